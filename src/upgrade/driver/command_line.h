#pragma once

namespace belay::upgrade::driver {

/// belay-driver: one verb of one of the built-in drivers, or `check` of any. The exit code: 0, 1, 2 as in
/// docs/drivers.md.
int run(int argc, char** argv);

}  // namespace belay::upgrade::driver
