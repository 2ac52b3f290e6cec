// A belayd that works on files instead of disks.

#include "daemon/command_line.h"
#include "daemon/testing/parts.h"

int main(int argc, char** argv)
{
    return belay::daemon::run(argc, argv, belay::daemon::testing::parts());
}
