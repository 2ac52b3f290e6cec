#include "operation/runbook/pattern.h"

#include <charconv>
#include <memory>
#include <regex.h>

namespace belay::operation::runbook {
namespace {

constexpr size_t longest_pattern = 500;
constexpr uint64_t largest_count = 1000;

std::unexpected<Error> no_pattern(std::string_view pattern, std::string_view why)
{
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no pattern: {}", pattern, why), "man 7 regex");
}

struct Free {
    void operator()(regex_t* compiled) const
    {
        regfree(compiled);
        delete compiled;
    }
};
using Compiled = std::unique_ptr<regex_t, Free>;

/// What all counts of a pattern come to where they stand in one another, at the most.
uint64_t product_of_counts(std::string_view pattern)
{
    uint64_t product = 1;
    for (size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
        uint64_t largest = 1;
        const size_t end = std::min(pattern.find('}', at), pattern.size());
        for (size_t digit = at + 1; digit < end;) {
            uint64_t number = 0;
            const auto read = std::from_chars(pattern.data() + digit, pattern.data() + end, number);
            if (read.ec == std::errc::result_out_of_range) return largest_count + 1;
            digit = std::max(digit + 1, static_cast<size_t>(read.ptr - pattern.data()));
            largest = std::max(largest, number);
        }
        if (largest > largest_count) return largest;
        product *= largest;
        if (product > largest_count) break;
    }
    return product;
}

Result<Compiled> compiled(std::string_view pattern, int flags)
{
    if (pattern.size() > longest_pattern) return no_pattern(pattern.substr(0, 40), "it is too long");
    if (pattern.contains('\0')) return no_pattern("", "it has a zero byte");
    for (size_t at = pattern.find('\\'); at != std::string_view::npos; at = pattern.find('\\', at + 2)) {
        if (at + 1 < pattern.size() && pattern[at + 1] >= '0' && pattern[at + 1] <= '9')
            return no_pattern(pattern, "it refers back to a group");
    }
    if (product_of_counts(pattern) > largest_count)
        return no_pattern(pattern, "its counts come to more than 1000");
    auto room = std::make_unique<regex_t>();
    const int problem = regcomp(room.get(), std::string(pattern).c_str(), REG_EXTENDED | flags);
    if (problem != 0) {
        char why[200] = {};
        regerror(problem, room.get(), why, sizeof why);
        return no_pattern(pattern, why);
    }
    return Compiled(room.release());
}

/// Where the first match stands; nothing where there is none.
Result<std::optional<regmatch_t>> first_match(std::string_view pattern, std::string_view text, int flags)
{
    const Compiled expression = TRY(compiled(pattern, flags));
    regmatch_t range{};
    range.rm_eo = static_cast<regoff_t>(text.size());
    if (regexec(expression.get(), text.data() == nullptr ? "" : text.data(), 1, &range, REG_STARTEND) != 0)
        return std::optional<regmatch_t>();
    return std::optional(range);
}

}  // namespace

Result<void> check_pattern(std::string_view pattern)
{
    TRY(compiled(pattern, 0));
    return {};
}

Result<bool> matches_whole(std::string_view pattern, std::string_view text)
{
    // The leftmost longest match, as POSIX has it, so no shorter alternative can hide the whole.
    const auto match = TRY(first_match(fmt::format("^({})$", pattern), text, 0));
    return match && match->rm_so == 0 && match->rm_eo == static_cast<regoff_t>(text.size());
}

Result<bool> found_in_a_line(std::string_view pattern, std::string_view text)
{
    return TRY(first_match(pattern, text, REG_NEWLINE)).has_value();
}

}  // namespace belay::operation::runbook
