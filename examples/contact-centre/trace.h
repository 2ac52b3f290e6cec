#pragma once
// For tests and shows: what stand-ins wrote into their traces, and who of a pair served when.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace belay::stand_in {

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

/// The time in which one process served: from its first act after it was told to be primary, or under one
/// lease, to its last. One that was frozen in it and acts again has been serving all the time.
struct Reign {
    std::string name;
    pid_t pid = 0;
    uint64_t token = 0;  ///< of its lease; 0: it has none
    int64_t first = 0, last = 0;
    size_t acts = 0;
};

/// Of the applications of these names, in the order of their beginning. `all` in the order of time.
inline std::vector<Reign> reigns_of(const std::vector<Happened>& all, const std::set<std::string>& names)
{
    constexpr std::string_view act = "acts";
    std::vector<Reign> reigns;
    std::map<std::pair<std::string, pid_t>, size_t> current;
    for (const Happened& one : all) {
        if (!names.contains(one.name)) continue;
        const std::pair process(one.name, one.pid);
        if (one.what == "role primary") current.erase(process);
        if (!one.what.starts_with(act)) continue;
        const uint64_t token = std::strtoull(one.what.c_str() + act.size(), nullptr, 10);
        auto found = current.find(process);
        if (found == current.end() || reigns[found->second].token != token) {
            found = current.insert_or_assign(process, reigns.size()).first;
            reigns.push_back({.name = one.name, .pid = one.pid, .token = token, .first = one.at});
        }
        Reign& reign = reigns[found->second];
        reign.last = one.at;
        ++reign.acts;
    }
    return reigns;
}

/// Each time at which two processes served at once: the one that was there, and the one that came. `reigns`:
/// as of reigns_of().
inline std::vector<std::pair<Reign, Reign>> overlaps_of(const std::vector<Reign>& reigns)
{
    std::vector<std::pair<Reign, Reign>> overlaps;
    for (size_t later = 0; later < reigns.size(); ++later) {
        for (size_t earlier = 0; earlier < later; ++earlier) {
            const Reign &one = reigns[earlier], &other = reigns[later];
            const bool is_same = one.name == other.name && one.pid == other.pid;
            if (!is_same && other.first <= one.last) overlaps.emplace_back(one, other);
        }
    }
    return overlaps;
}

}  // namespace belay::stand_in
