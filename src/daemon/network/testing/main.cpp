// A belayd-site that works on files instead of disks.

#include "daemon/command_line.h"
#include "daemon/network/network.h"
#include "daemon/testing/parts.h"

int main(int argc, char** argv)
{
    belay::daemon::Parts parts = belay::daemon::testing::parts();
    parts.site = belay::daemon::site_parts();
    return belay::daemon::run(argc, argv, parts);
}
