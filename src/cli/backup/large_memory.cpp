#include "cli/backup/large_memory.h"

#include <malloc.h>

namespace belay::cli {
namespace {

/// `large`: bytes from which memory goes back when it goes. `kept`: bytes that each thread keeps at its end.
void set_allocator(int large, int kept)
{
    ::mallopt(M_MMAP_THRESHOLD, large);  // NOLINT(concurrency-mt-unsafe)
    ::mallopt(M_TRIM_THRESHOLD, kept);   // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

void let_go_of_large_memory()
{
    set_allocator(1 << 20, 8 << 20);
}

void keep_large_memory()
{
    // The most that glibc knows to give out of what it keeps, and what is read of a pack at once with some
    // room: what a thread keeps beyond that is not used again.
    set_allocator(32 << 20, 6 << 20);
}

}  // namespace belay::cli
