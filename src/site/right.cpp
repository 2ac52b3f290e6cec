#include "site/right.h"

#include <algorithm>
#include <array>

namespace belay::site {
namespace {

constexpr std::array right_names = {std::pair{Right::view, std::string_view("view")},
                                    std::pair{Right::operate, std::string_view("operate")},
                                    std::pair{Right::administer, std::string_view("administer")}};

}  // namespace

std::string_view name_of(Right right)
{
    return std::ranges::find(right_names, right, [](const auto& pair) { return pair.first; })->second;
}

Result<Right> right_named(std::string_view name)
{
    const auto* const found =
        std::ranges::find(right_names, name, [](const auto& pair) { return pair.second; });
    if (found == right_names.end())
        return fail(ErrorKind::usage,
                    fmt::format("one may view, operate or administer, and not \"{}\"", name));
    return found->first;
}

}  // namespace belay::site
