#include "daemon/command_line.h"
#include "daemon/network/network.h"

#include <malloc.h>

int main(int argc, char** argv)
{
    // As of belayd, daemon/main.cpp.
    mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe)
    return belay::daemon::run(
        argc, argv,
        {belay::procedures::all(), belay::procedures::fill, belay::procedures::views(),
         belay::procedures::gate_kinds(), belay::procedures::watched(), belay::daemon::site_parts()});
}
