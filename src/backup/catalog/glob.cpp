#include "backup/catalog/glob.h"

namespace belay::backup::catalog {
namespace {

constexpr size_t longest_pattern = 4096;

unsigned char lower(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + 32) : byte;
}

std::unexpected<Error> not_closed(std::string_view text)
{
    return fail(ErrorKind::usage,
                fmt::format("the pattern \"{}\" has a bracket that is not closed", text.substr(0, 80)),
                "write \\[ for the bracket itself");
}

/// The set of a bracket that begins at `at`, which is moved behind it.
Result<std::vector<bool>> read_set(std::string_view text, size_t& at)
{
    std::vector<bool> set(256, false);
    size_t i = at + 1;
    const bool is_negated = i < text.size() && (text[i] == '^' || text[i] == '!');
    if (is_negated) ++i;
    const auto byte_at = [&]() -> int {
        if (i < text.size() && text[i] == '\\') ++i;
        return i < text.size() ? static_cast<unsigned char>(text[i++]) : -1;
    };
    for (bool is_first = true; i < text.size() && (text[i] != ']' || is_first); is_first = false) {
        const int low = byte_at();
        int high = low;
        if (i + 1 < text.size() && text[i] == '-' && text[i + 1] != ']') {
            ++i;
            high = byte_at();
        }
        if (low < 0 || high < 0) return not_closed(text);
        for (int byte = low; byte <= high; ++byte) set[static_cast<size_t>(byte)] = true;
    }
    if (i >= text.size()) return not_closed(text);
    if (is_negated) set.flip();
    at = i + 1;
    return set;
}

}  // namespace

Result<NamePattern> NamePattern::make(std::string_view text, Case letters)
{
    using Kind = Item::Kind;
    NamePattern pattern;
    pattern.ignores_case_ = letters == Case::ignored;
    std::string run;
    const auto end_run = [&] {
        if (run.size() > pattern.literal_.size()) pattern.literal_ = run;
        run.clear();
    };
    for (size_t at = 0; at < text.size();) {
        char c = text[at];
        if (c == '*' || c == '?' || c == '[') {
            end_run();
            pattern.is_plain_ = false;
        }
        if (c == '*') {
            if (pattern.items_.empty() || pattern.items_.back().kind != Kind::any_run)
                pattern.items_.push_back({.kind = Kind::any_run});
            ++at;
        } else if (c == '?') {
            pattern.items_.push_back({.kind = Kind::any});
            ++at;
        } else if (c == '[') {
            std::vector<bool> set = TRY(read_set(text, at));
            pattern.items_.push_back({.kind = Kind::set, .set = std::move(set)});
        } else {
            if (c == '\\' && at + 1 < text.size()) c = text[++at];
            auto byte = static_cast<unsigned char>(c);
            if (pattern.ignores_case_) byte = lower(byte);
            pattern.items_.push_back({.kind = Kind::byte, .byte = byte});
            run += static_cast<char>(byte);
            ++at;
        }
    }
    end_run();
    return pattern;
}

bool NamePattern::item_matches(const Item& item, unsigned char byte) const
{
    switch (item.kind) {
        case Item::Kind::any:
            return true;
        case Item::Kind::set: {
            if (item.set[byte]) return true;
            const bool is_upper = byte >= 'A' && byte <= 'Z', is_lower = byte >= 'a' && byte <= 'z';
            return ignores_case_ && (is_upper || is_lower) && item.set[byte ^ 32U];
        }
        default:
            return item.byte == (ignores_case_ ? lower(byte) : byte);
    }
}

bool NamePattern::matches(std::string_view name) const
{
    // Of all runs but the last nothing need be tried again: the shortest that fits leaves the most.
    size_t item = 0, at = 0, run_item = SIZE_MAX, run_at = 0;
    while (at < name.size()) {
        if (item < items_.size() && items_[item].kind == Item::Kind::any_run) {
            run_item = item++;
            run_at = at;
        } else if (item < items_.size() && item_matches(items_[item], static_cast<unsigned char>(name[at]))) {
            ++item;
            ++at;
        } else if (run_item != SIZE_MAX) {
            item = run_item + 1;
            at = ++run_at;
        } else {
            return false;
        }
    }
    while (item < items_.size() && items_[item].kind == Item::Kind::any_run) ++item;
    return item == items_.size();
}

std::vector<std::string_view> names_of_path(std::string_view path)
{
    std::vector<std::string_view> names;
    while (!path.empty()) {
        const size_t end = std::min(path.find('/'), path.size());
        if (end > 0 && path.substr(0, end) != ".") names.push_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return names;
}

Result<PathPattern> PathPattern::make(std::string_view text, Case letters)
{
    if (text.size() > longest_pattern)
        return fail(ErrorKind::usage, fmt::format("a pattern of {} bytes is too long", text.size()));
    PathPattern pattern;
    pattern.is_rooted_ = text.starts_with('/');
    for (const std::string_view part : names_of_path(text)) {
        if (part == "**") {
            pattern.is_deep_ = true;
            if (pattern.parts_.empty() || pattern.parts_.back() != deep) pattern.parts_.push_back(deep);
            continue;
        }
        NamePattern name = TRY(NamePattern::make(part, letters));
        pattern.parts_.push_back(pattern.names_.size());
        pattern.names_.push_back(std::move(name));
    }
    if (pattern.parts_.empty() && !pattern.is_rooted_)
        return fail(ErrorKind::usage, "nothing to look for was named", "belay catalog search '*.conf'");
    return pattern;
}

const NamePattern* PathPattern::last() const
{
    return parts_.empty() || parts_.back() == deep ? nullptr : &names_[parts_.back()];
}

bool PathPattern::matches(std::string_view path) const
{
    const std::vector<std::string_view> path_names = names_of_path(path);
    // As in one name: "**" is a run of names.
    size_t part = 0, at = 0, run_part = SIZE_MAX, run_at = 0;
    if (!is_rooted_) run_part = SIZE_MAX - 1;  // a run before the first part
    while (at < path_names.size()) {
        if (part < parts_.size() && parts_[part] == deep) {
            run_part = part++;
            run_at = at;
        } else if (part < parts_.size() && names_[parts_[part]].matches(path_names[at])) {
            ++part;
            ++at;
        } else if (run_part != SIZE_MAX) {
            part = run_part == SIZE_MAX - 1 ? 0 : run_part + 1;
            at = ++run_at;
        } else {
            return false;
        }
    }
    // At the end "**" is what lies in a folder, and not the folder.
    return part == parts_.size();
}

}  // namespace belay::backup::catalog
