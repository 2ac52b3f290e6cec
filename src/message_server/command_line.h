#pragma once

namespace belay::message_server {

/// belay-messages: serves until it is told to end. The exit code: 0, 1 where it could not serve, 2 for wrong
/// arguments.
int run(int argc, char** argv);

}  // namespace belay::message_server
