#include "backup/filter/pattern.h"

#include "base/utf8.h"

#include <algorithm>

namespace belay::backup {
namespace {

constexpr size_t longest_pattern = 4096;
constexpr std::string_view root = "/";

/// The character that a text begins with, and how many bytes it has; a byte that is no UTF-8 is one.
std::pair<uint32_t, size_t> character_of(std::string_view text)
{
    const Utf8Character first = first_character(text);
    return {first.is_valid ? first.code : static_cast<uint8_t>(text.front()), first.length};
}

std::unexpected<Error> malformed(std::string_view pattern)
{
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is no pattern: a bracket or a backslash ends too early", pattern),
                R"(write "\[" where a bracket is meant)");
}

/// A character within brackets; takes it from `rest`.
Result<uint32_t> take_bound(std::string_view pattern, std::string_view& rest)
{
    if (rest.empty() || rest.front() == '-' || rest.front() == ']') return malformed(pattern);
    if (rest.front() == '\\') rest.remove_prefix(1);
    if (rest.empty()) return malformed(pattern);
    const auto [value, length] = character_of(rest);
    rest.remove_prefix(length);
    return value;
}

/// Whether the brackets that `rest` begins behind name the character; takes them from `rest`.
Result<bool> take_brackets(std::string_view pattern, std::string_view& rest, uint32_t character)
{
    const bool negated = rest.starts_with('^');
    if (negated) rest.remove_prefix(1);
    bool found = false;
    for (bool any = false; !any || !rest.starts_with(']'); any = true) {
        const uint32_t low = TRY(take_bound(pattern, rest));
        uint32_t high = low;
        if (rest.starts_with('-')) {
            rest.remove_prefix(1);
            high = TRY(take_bound(pattern, rest));
        }
        found = found || (low <= character && character <= high);
    }
    rest.remove_prefix(1);
    return found != negated;
}

/// Whether the pattern up to the next '*' matches the beginning of `name`, which is then taken from it.
Result<bool> take_segment(std::string_view whole, std::string_view segment, std::string_view& name)
{
    bool still = true;
    while (!segment.empty()) {
        // A pattern is read to its end even where it is lost, so that a wrong one is always found.
        still = still && !name.empty();
        const auto [character, length] = still ? character_of(name) : std::pair<uint32_t, size_t>{0, 0};
        const char meaning = segment.front();
        if (meaning == '[') {
            segment.remove_prefix(1);
            still = TRY(take_brackets(whole, segment, character)) && still;
        } else if (meaning == '?') {
            segment.remove_prefix(1);
        } else {
            if (meaning == '\\') segment.remove_prefix(1);
            if (segment.empty()) return malformed(whole);
            const auto [wanted, size] = character_of(segment);
            still = still && wanted == character;
            segment.remove_prefix(size);
        }
        if (still) name.remove_prefix(length);
    }
    return still;
}

/// The pattern up to its first '*' that is meant as such.
size_t end_of_segment(std::string_view pattern)
{
    bool in_brackets = false;
    for (size_t at = 0; at < pattern.size(); ++at) {
        switch (pattern[at]) {
            case '\\':
                ++at;
                break;
            case '[':
                in_brackets = true;
                break;
            case ']':
                in_brackets = false;
                break;
            case '*':
                if (!in_brackets) return at;
                break;
            default:
                break;
        }
    }
    return pattern.size();
}

std::string in_lower_case(std::string_view text)
{
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

/// Its names, after "/" where it is absolute; "." and ".." are resolved, doubled slashes are one.
std::vector<std::string_view> cleaned(std::string_view path)
{
    std::vector<std::string_view> parts;
    const bool rooted = path.starts_with('/');
    if (rooted) parts.push_back(root);
    while (!path.empty()) {
        const size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part.empty() || part == ".") continue;
        const bool has_folder = parts.size() > (rooted ? 1 : 0) && parts.back() != "..";
        if (part != ".." || (!has_folder && !rooted))
            parts.push_back(part);
        else if (has_folder)
            parts.pop_back();
    }
    return parts;
}

}  // namespace

Result<bool> name_matches(std::string_view pattern, std::string_view name)
{
    const std::string_view whole = pattern;
    size_t end = end_of_segment(pattern);
    bool still = TRY(take_segment(whole, pattern.substr(0, end), name));
    pattern.remove_prefix(end);
    while (!pattern.empty()) {
        while (pattern.starts_with('*')) pattern.remove_prefix(1);
        end = end_of_segment(pattern);
        const std::string_view segment = pattern.substr(0, end);
        pattern.remove_prefix(end);
        if (segment.empty()) return still;  // the last '*' takes the rest
        bool found = false;
        for (size_t skipped = 0; !found && skipped <= name.size(); ++skipped) {
            std::string_view rest = name.substr(skipped);
            const bool fits = TRY(take_segment(whole, segment, rest));
            // The last segment ends where the name does.
            if (!fits || (pattern.empty() && !rest.empty())) continue;
            name = rest;
            found = true;
        }
        still = still && found;
    }
    return still && name.empty();
}

Result<Pattern> Pattern::make(std::string_view text, bool ignores_case)
{
    if (text.size() > longest_pattern)
        return fail(ErrorKind::usage,
                    fmt::format("a pattern of {} bytes is longer than {}", text.size(), longest_pattern));
    Pattern made;
    made.is_negated_ = text.starts_with('!');
    const std::string lower = ignores_case ? in_lower_case(text) : std::string(text);
    for (const std::string_view part : cleaned(std::string_view(lower).substr(made.is_negated_ ? 1 : 0))) {
        if (part == "**") {
            made.parts_.push_back({"", false});
            continue;
        }
        TRY(name_matches(part, ""));
        made.parts_.push_back({std::string(part), part.find_first_of("\\[]*?") == std::string_view::npos});
    }
    if (made.parts_.empty())
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no pattern: it names nothing", text),
                    "leave it out, or name a file or folder");
    return made;
}

bool Pattern::parts_match(const Parts& parts, const std::vector<std::string_view>& path)
{
    const auto any_folders = std::ranges::find_if(parts, [](const Part& part) { return part.text.empty(); });
    if (any_folders != parts.end()) {
        // "**" is tried as no folder, one, two, ...
        const auto at = any_folders - parts.begin();
        for (size_t count = 0; count + parts.size() <= path.size() + 1; ++count) {
            Parts tried(parts.begin(), any_folders);
            tried.insert(tried.end(), count, Part{"*", false});
            tried.insert(tried.end(), parts.begin() + at + 1, parts.end());
            if (parts_match(tried, path)) return true;
        }
        return false;
    }
    if (parts.empty()) return path.empty();
    if (parts.size() > path.size()) return false;
    size_t first = 0, last = path.size() - parts.size();
    if (parts.front().text == root)
        last = 0;
    else if (path.front() == root)
        first = 1;
    for (size_t offset = first; offset <= last; ++offset) {
        const auto part_matches = [&](const Part& part) {
            const std::string_view name = path[offset + static_cast<size_t>(&part - parts.data())];
            // make() has seen that it is well formed.
            return part.is_plain ? part.text == name : name_matches(part.text, name).value_or(false);
        };
        if (std::ranges::all_of(parts, part_matches)) return true;
    }
    return false;
}

bool Pattern::matches(const std::vector<std::string_view>& path) const
{
    return parts_match(parts_, path);
}

bool Pattern::may_match_below(const std::vector<std::string_view>& path) const
{
    if (parts_.front().text != root) return true;
    const auto any_folders = std::ranges::find_if(parts_, [](const Part& part) { return part.text.empty(); });
    const auto known = std::min<ptrdiff_t>(any_folders - parts_.begin(), std::ssize(path));
    const std::vector<std::string_view> start(path.begin(), path.begin() + known);
    return parts_match(Parts(parts_.begin(), parts_.begin() + known), start);
}

Result<void> PatternList::add(std::string_view text, bool ignores_case)
{
    (ignores_case ? caseless_ : cased_).push_back(TRY(Pattern::make(text, ignores_case)));
    return {};
}

PatternList::Verdict PatternList::judge(std::string_view path) const
{
    const auto judge_by = [](const std::vector<Pattern>& patterns,
                             const std::vector<std::string_view>& parts) {
        Verdict verdict;
        for (const Pattern& pattern : patterns) {
            const bool matches = pattern.matches(parts), below = pattern.may_match_below(parts);
            verdict.matches = pattern.is_negated() ? verdict.matches && !matches : verdict.matches || matches;
            verdict.may_match_below =
                pattern.is_negated() ? verdict.may_match_below && !matches : verdict.may_match_below || below;
        }
        return verdict;
    };
    Verdict verdict = judge_by(cased_, cleaned(path));
    if (caseless_.empty()) return verdict;
    const std::string lower = in_lower_case(path);
    const Verdict caseless = judge_by(caseless_, cleaned(lower));
    verdict.matches = verdict.matches || caseless.matches;
    verdict.may_match_below = verdict.may_match_below || caseless.may_match_below;
    return verdict;
}

}  // namespace belay::backup
