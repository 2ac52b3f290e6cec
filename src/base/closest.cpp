#include "base/closest.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace belay {
namespace {

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein).
size_t distance(std::string_view from, std::string_view to)
{
    std::vector<size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < from.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < to.size(); ++j) {
            const size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string closest(std::string_view typed, const std::vector<std::string>& names)
{
    std::string best;
    size_t nearest = std::max<size_t>(2, typed.size() / 3) + 1;
    for (const std::string& name : names) {
        const size_t here = distance(typed, name);
        if (here < nearest && here < name.size()) {
            nearest = here;
            best = name;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names)
{
    const std::string name = closest(typed, names);
    return name.empty() ? std::string() : fmt::format(", did you mean \"{}\"?", name);
}

}  // namespace belay
