#pragma once
// For tests: what stand-ins wrote into their trace.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace belay::testing {

struct Happened {
    int64_t at = 0;  ///< as examples/contact-centre/stand_in.cpp says
    pid_t pid = 0;
    std::string name, what;
};

/// In the order of time; a line that was cut short is left out.
inline std::vector<Happened> happened_in(const std::string& trace)
{
    std::vector<Happened> all;
    std::istringstream lines(trace);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        Happened one;
        words >> one.at >> one.pid >> one.name;
        std::getline(words >> std::ws, one.what);
        if (!one.what.empty()) all.push_back(one);
    }
    std::ranges::stable_sort(all, {}, &Happened::at);
    return all;
}

/// When it first did so, at that time or after it; nothing: not yet.
inline std::optional<int64_t> when(const std::vector<Happened>& all, std::string_view name,
                                   std::string_view what, int64_t after = 0)
{
    const auto found = std::ranges::find_if(
        all, [&](const Happened& one) { return one.at >= after && one.name == name && one.what == what; });
    return found == all.end() ? std::nullopt : std::optional(found->at);
}

/// As it calls itself in the trace.
inline std::string as_traced(std::string name)
{
    std::ranges::replace(name, ' ', '-');
    return name;
}

}  // namespace belay::testing
