#include "message_server/command_line.h"

#include <malloc.h>

int main(int argc, char** argv)
{
    // Threads come and go here; an arena for each of them would only hold on to memory. There is none yet.
    mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe)
    return belay::message_server::run(argc, argv);
}
