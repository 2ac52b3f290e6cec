#pragma once
// The program belayd-media: what `belayd --role media` becomes.

namespace belay::media {

int run(int argc, char** argv);

}  // namespace belay::media
