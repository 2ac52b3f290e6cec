#include "upgrade/image/version.h"

#include <algorithm>

namespace belay::upgrade::image {
namespace {

constexpr size_t longest_version = 64, most_ranges = 64, longest_range = 1024;

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Where a character sorts among those that are no digits; the end and a digit count as 0.
int weight_of(std::string_view rest)
{
    if (rest.empty() || is_digit(rest.front())) return 0;
    const char c = rest.front();
    if (c == '~') return -1;
    return is_letter(c) ? c : c + 256;
}

/// Takes the run of digits off the front, without the zeros that lead it.
std::string_view take_number(std::string_view& rest)
{
    rest.remove_prefix(std::min(rest.find_first_not_of('0'), rest.size()));
    size_t length = 0;
    while (length < rest.size() && is_digit(rest[length])) ++length;
    const std::string_view number = rest.substr(0, length);
    rest.remove_prefix(length);
    return number;
}

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string> words(1);
    for (const char c : text) {
        if (c != ' ')
            words.back() += c;
        else if (!words.back().empty())
            words.emplace_back();
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

}  // namespace

Result<Version> parse_version(std::string_view text)
{
    const auto fits = [](char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '+' || c == '~'; };
    if (text.empty() || text.size() > longest_version || !is_digit(text.front()) ||
        !std::ranges::all_of(text, fits))
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" is no version: it begins with a digit and has digits, letters, '.', "
                                "'+' and '~', {} at most, as 2.0.1 or 2.0~rc1",
                                text.substr(0, longest_version), longest_version));
    return Version{std::string(text)};
}

std::weak_ordering compare(const Version& left, const Version& right)
{
    std::string_view a = left.text, b = right.text;
    while (!a.empty() || !b.empty()) {
        while ((!a.empty() && !is_digit(a.front())) || (!b.empty() && !is_digit(b.front()))) {
            const int of_a = weight_of(a), of_b = weight_of(b);
            if (of_a != of_b) return of_a <=> of_b;
            a.remove_prefix(1);
            b.remove_prefix(1);
        }
        const std::string_view number_a = take_number(a), number_b = take_number(b);
        if (number_a.size() != number_b.size()) return number_a.size() <=> number_b.size();
        if (number_a != number_b) return number_a <=> number_b;
    }
    return std::weak_ordering::equivalent;
}

bool VersionRanges::Condition::holds_for(const Version& asked) const
{
    const std::weak_ordering order = compare(asked, version);
    if (relation == ">=") return order >= 0;
    if (relation == "<=") return order <= 0;
    if (relation == ">") return order > 0;
    if (relation == "<") return order < 0;
    return order == 0;
}

Result<std::vector<VersionRanges::Condition>> VersionRanges::parse_range(const std::string& text)
{
    std::vector<Condition> conditions;
    if (text.size() > longest_range)
        return fail(ErrorKind::usage,
                    fmt::format("a range of versions has {} characters at most", longest_range));
    for (const std::string& word : words_of(text)) {
        const size_t length = std::min(word.find_first_not_of("<>="), word.size());
        const std::string relation = word.substr(0, length);
        static const std::vector<std::string> known = {">=", "<=", ">", "<", "="};
        if (std::ranges::find(known, relation) == known.end())
            return fail(ErrorKind::usage,
                        fmt::format("\"{}\" is no range of versions: each of its parts begins "
                                    "with >=, >, <=, < or =, as \">=1.0 <2.0\"",
                                    text));
        const Version version = TRY(parse_version(word.substr(length)));
        conditions.push_back({relation, version});
    }
    if (conditions.empty())
        return fail(ErrorKind::usage, "a range of versions is empty; it looks like \">=1.0 <2.0\"");
    return conditions;
}

Result<VersionRanges> VersionRanges::of(const std::vector<std::string>& texts)
{
    if (texts.empty())
        return fail(ErrorKind::usage,
                    "an empty list of versions says nothing: leave it out where any version "
                    "will do, or write [\"none\"]");
    if (texts.size() > most_ranges)
        return fail(ErrorKind::usage, fmt::format("a list has {} ranges of versions at most", most_ranges));
    VersionRanges made;
    made.texts_ = texts;
    if (texts == std::vector<std::string>{"none"}) return made;
    for (const std::string& text : texts) made.ranges_.push_back(TRY(parse_range(text)));
    return made;
}

bool VersionRanges::admit(const Version& version) const
{
    if (are_any()) return true;
    return std::ranges::any_of(ranges_, [&](const std::vector<Condition>& range) {
        return std::ranges::all_of(range, [&](const Condition& each) { return each.holds_for(version); });
    });
}

}  // namespace belay::upgrade::image
