#include "message_server/journal_numbers.h"

#include <algorithm>
#include <charconv>

namespace belay::message_server {
namespace {

std::optional<uint64_t> hexadecimal(std::string_view text)
{
    uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    const bool is_whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return is_whole ? std::optional(number) : std::nullopt;
}

/// What stands behind "NAME=" up to the next ";"; empty: it has none.
std::string_view part(std::string_view cursor, char name)
{
    while (!cursor.empty()) {
        const std::string_view one = cursor.substr(0, cursor.find(';'));
        if (one.size() > 2 && one[0] == name && one[1] == '=') return one.substr(2);
        cursor.remove_prefix(std::min(one.size() + 1, cursor.size()));
    }
    return {};
}

}  // namespace

std::optional<JournalNumber> number_in(std::string_view cursor)
{
    const auto number = hexadecimal(part(cursor, 'i'));
    const auto microseconds = hexadecimal(part(cursor, 't'));
    const std::string_view series = part(cursor, 's'), boot = part(cursor, 'b');
    const bool is_whole = number && microseconds && !series.empty() && !boot.empty();
    if (!is_whole) return std::nullopt;
    return JournalNumber{.series = std::string(series),
                         .number = *number,
                         .at = Milliseconds(static_cast<int64_t>(*microseconds / 1000)),
                         .boot = std::string(boot)};
}

void JournalNumbers::begin_behind(const JournalNumber& entry)
{
    last_.try_emplace(entry.series, Last{.number = entry.number, .read = read_});
}

uint64_t JournalNumbers::missing_before(const JournalNumber& entry)
{
    ++read_;
    if (last_.size() >= most_series && !last_.contains(entry.series)) last_.clear();
    const auto [found, is_new] = last_.try_emplace(entry.series);
    Last& last = found->second;
    const uint64_t further = entry.number > last.number ? entry.number - last.number : 0;
    const uint64_t read = read_ - last.read;
    const uint64_t missing = is_new || further <= read ? 0 : further - read;
    // To all series they are done with: of the next one that meets this gap they are not missing once more.
    read_ += missing;
    last = {.number = entry.number, .read = read_};
    return missing;
}

}  // namespace belay::message_server
