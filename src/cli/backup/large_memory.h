#pragma once
// What the allocator does with memory of packs and large chunks that is no longer in use.

namespace belay::cli {

/// It goes back to the system when it goes: left to itself the allocator would raise the size from which it
/// does that, and keep holes in every thread's memory, twice as much as is in use. What is smaller is kept,
/// so that it need not be cleared by the kernel time and again. To be called while no other thread takes
/// memory.
void let_go_of_large_memory();

/// It is kept for the next of its size: right for who reads packs and opens their blobs one after another, of
/// which no worker has more than one of each at a time. The kernel would clear as much memory as is read, and
/// as comes out of it, a fifth of the processor time of a restore. To be called while no other thread takes
/// memory.
void keep_large_memory();

}  // namespace belay::cli
