#pragma once
// How the fault loops go over their runs.

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace belay::simulated {

/// Under the address sanitizer, which takes ten times as long and looks for other faults, each forty-first
/// run is enough: the plain build does them all.
#ifdef __SANITIZE_ADDRESS__
inline constexpr size_t stride = 41;
#else
inline constexpr size_t stride = 1;
#endif

/// One run for each of first..last, or each seventh, on all processors.
template <typename Run>
void for_each_of(size_t first, size_t last, Run run)
{
    std::atomic<size_t> next = first;
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
        workers.emplace_back([&] {
            for (size_t at = next.fetch_add(stride); at <= last; at = next.fetch_add(stride)) run(at);
        });
}

}  // namespace belay::simulated
