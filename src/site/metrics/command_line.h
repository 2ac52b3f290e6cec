#pragma once
// The program belay-metrics.

namespace belay::site::metrics {

int run(int argc, char** argv);

}  // namespace belay::site::metrics
