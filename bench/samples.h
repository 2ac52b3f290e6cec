#pragma once
// Times, taken many times over, and what they come to.

#include <chrono>
#include <ctime>
#include <string>
#include <vector>

namespace belay::bench {

using Nanoseconds = std::chrono::nanoseconds;

/// What a clock says.
Nanoseconds reading(clockid_t clock);

/// Time that passed, and the processor time in it of this thread and of the children that ended.
struct Taken {
    Nanoseconds wall{0};
    Nanoseconds processor{0};
};

class Stopwatch {
  public:
    Stopwatch();
    Taken taken() const;

  private:
    Taken begun_;
};

/// The middle one; of an even number the upper of the two. Not of nothing.
Nanoseconds median(std::vector<Nanoseconds> samples);
double median(std::vector<double> samples);

/// Between which the middle half of the samples lies. Not of nothing.
struct Quartiles {
    Nanoseconds lower{0};
    Nanoseconds upper{0};
};
Quartiles quartiles(std::vector<Nanoseconds> samples);

double seconds(Nanoseconds span);

/// "84 µs", "1.25 ms".
std::string to_text(Nanoseconds span);
/// "1.25 ms" whatever its size; may be negative.
std::string to_milliseconds(Nanoseconds span);

}  // namespace belay::bench
