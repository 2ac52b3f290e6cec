// A belayd-site that works on files instead of disks. It runs in its state folder, so that "/proc/self/cwd"
// is another place for each of several that are given the same plan.

#include "daemon/command_line.h"
#include "daemon/network/network.h"
#include "daemon/testing/parts.h"

#include <string_view>
#include <unistd.h>

int main(int argc, char** argv)
{
    for (int at = 1; at + 1 < argc; ++at) {
        // Where it is not there yet there is nothing in it either.
        if (std::string_view(argv[at]) == "--state-dir" && chdir(argv[at + 1]) != 0) break;
    }
    belay::daemon::Parts parts = belay::daemon::testing::parts();
    parts.site = belay::daemon::site_parts();
    return belay::daemon::run(argc, argv, parts);
}
