#pragma once
// Where all chance of a run comes from: the same seed throws the same numbers, on every machine.

#include "base/units.h"

#include <cstdint>
#include <vector>

namespace belay::simulation {

class Dice {
  public:
    explicit Dice(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}

    uint64_t next()
    {
        state_ += 0x9e3779b97f4a7c15;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// 0..limit-1
    uint64_t below(uint64_t limit) { return next() % limit; }
    /// from..to, both included
    int between(int from, int to)
    {
        const auto count = static_cast<uint64_t>(to) - static_cast<uint64_t>(from) + 1;
        return from + static_cast<int>(below(count));
    }
    Milliseconds between(Milliseconds from, Milliseconds to)
    {
        return from + Milliseconds{below(static_cast<uint64_t>((to - from).count() + 1))};
    }
    bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }
    template <typename T>
    const T& one_of(const std::vector<T>& all)
    {
        return all[below(all.size())];
    }

  private:
    uint64_t state_;
};

}  // namespace belay::simulation
