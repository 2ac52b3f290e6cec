#pragma once
// The page in which components write when they began: who measures has it mapped, they find it by a path.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace belay::bench {

constexpr size_t most_components = 4000;

/// Of one component, by its number. Starts at nothing; all that is written is of the process that began last.
struct Beginning {
    std::atomic<int64_t> at;  ///< CLOCK_MONOTONIC, nanoseconds
    std::atomic<int32_t> pid;
    std::atomic<uint32_t> times;  ///< how often it has begun
};

struct BeginningsPage {
    std::atomic<uint32_t> begun;    ///< of all together; a futex
    std::atomic<uint32_t> awaited;  ///< who measures is woken when so many have begun
    std::array<Beginning, most_components> components;
};

}  // namespace belay::bench
