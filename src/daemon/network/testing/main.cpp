// A belayd-site that works on files instead of disks. It runs in its state folder, so that "/proc/self/cwd"
// is another place for each of several that are given the same plan.

#include "daemon/command_line.h"
#include "daemon/network/network.h"
#include "daemon/network/testing/clock_ahead.h"
#include "daemon/testing/parts.h"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

int main(int argc, char** argv)
{
    using namespace belay;
    for (int at = 1; at + 1 < argc; ++at) {
        // Where it is not there yet there is nothing in it either.
        if (std::string_view(argv[at]) == "--state-dir" && chdir(argv[at + 1]) != 0) break;
    }
    daemon::Parts parts = daemon::testing::parts();
    parts.site = daemon::site_parts();
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no thread yet
    if (const char* const ahead = std::getenv(daemon::testing::clock_ahead_variable)) {
        parts.open_host = [ahead = Milliseconds(std::strtoll(ahead, nullptr, 10))](int inherited_lock) {
            return std::make_unique<daemon::testing::ClockAhead>(host::real_host(inherited_lock), ahead);
        };
    }
    return daemon::run(argc, argv, parts);
}
