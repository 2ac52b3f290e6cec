#include "samples.h"

#include "base/invariant.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <sys/resource.h>

namespace belay::bench {
namespace {

Nanoseconds of_children()
{
    rusage used{};
    INVARIANT(getrusage(RUSAGE_CHILDREN, &used) == 0);
    const auto span = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return span(used.ru_utime) + span(used.ru_stime);
}

Taken now()
{
    return {reading(CLOCK_MONOTONIC), reading(CLOCK_THREAD_CPUTIME_ID) + of_children()};
}

template <typename T>
T middle(std::vector<T>& samples)
{
    INVARIANT(!samples.empty());
    const auto at = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::ranges::nth_element(samples, at);
    return *at;
}

}  // namespace

Nanoseconds reading(clockid_t clock)
{
    timespec time{};
    INVARIANT(clock_gettime(clock, &time) == 0);
    return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

Stopwatch::Stopwatch() : begun_(now()) {}

Taken Stopwatch::taken() const
{
    const Taken ended = now();
    return {ended.wall - begun_.wall, ended.processor - begun_.processor};
}

Nanoseconds median(std::vector<Nanoseconds> samples)
{
    return middle(samples);
}

double median(std::vector<double> samples)
{
    return middle(samples);
}

Quartiles quartiles(std::vector<Nanoseconds> samples)
{
    INVARIANT(!samples.empty());
    std::ranges::sort(samples);
    return {samples[samples.size() / 4], samples[samples.size() * 3 / 4]};
}

double seconds(Nanoseconds span)
{
    return std::chrono::duration<double>(span).count();
}

std::string to_text(Nanoseconds span)
{
    if (span < std::chrono::milliseconds(1))
        return fmt::format("{:.0f} µs", static_cast<double>(span.count()) / 1e3);
    return to_milliseconds(span);
}

std::string to_milliseconds(Nanoseconds span)
{
    return fmt::format("{:.2f} ms", static_cast<double>(span.count()) / 1e6);
}

}  // namespace belay::bench
