#include "site/snmp/oid.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace belay::site::snmp {
namespace {

constexpr std::array<unsigned long, 4> internet = {1, 3, 6, 1};
/// As enterprises (1.3.6.1.4.1) and a number.
constexpr size_t least_in_arc = 7;

}  // namespace

Result<Oid> arc_of(std::string_view text)
{
    const auto wrong = [whole = text](std::string_view why) {
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" is no arc to serve variables below: {}", whole, why),
                    "--arc 1.3.6.1.4.1.NUMBER.1, with the enterprise number that is yours");
    };
    Oid arc;
    std::string_view left = text.starts_with('.') ? text.substr(1) : text;
    while (true) {
        uint32_t number = 0;
        const char* const end = left.data() + left.size();
        const auto [after, problem] = std::from_chars(left.data(), left.data() + left.size(), number);
        if (problem != std::errc()) return wrong("it is not made of numbers below 2^32 with dots between");
        arc.push_back(number);
        if (arc.size() > most_in_arc) return wrong(fmt::format("it has more than {} numbers", most_in_arc));
        if (after == end) break;
        if (*after != '.') return wrong("it is not made of numbers below 2^32 with dots between");
        left = {after + 1, end};
    }
    if (arc.size() < least_in_arc || !std::ranges::equal(internet, OidView(arc).first(internet.size())))
        return wrong(
            fmt::format("it does not begin with 1.3.6.1, or has less than {} numbers", least_in_arc));
    return arc;
}

}  // namespace belay::site::snmp
