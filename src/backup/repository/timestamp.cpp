#include "backup/repository/timestamp.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace belay::backup {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

/// Takes `digits` decimal digits from the front; nothing where they are not there.
std::optional<int> take_number(std::string_view& text, size_t digits)
{
    int number = 0;
    if (text.size() < digits) return std::nullopt;
    // Trees are full of times: std::from_chars() would take a tenth of the time in which one is read.
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return number;
}

bool take(std::string_view& text, char c)
{
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

/// ".5" is 500,000,000; nothing where there is a point without digits.
std::optional<uint32_t> take_fraction(std::string_view& text)
{
    if (!take(text, '.')) return 0;
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 9) return std::nullopt;
    std::string_view number = text.substr(0, digits);
    text.remove_prefix(digits);
    auto value = static_cast<uint32_t>(take_number(number, digits).value_or(0));
    for (size_t i = digits; i < 9; ++i) value *= 10;
    return value;
}

/// "Z" or "+01:00", in seconds.
std::optional<int> take_zone(std::string_view& text)
{
    if (take(text, 'Z')) return 0;
    const bool west = take(text, '-');
    if (!west && !take(text, '+')) return std::nullopt;
    const std::optional<int> hours = take_number(text, 2);
    const bool colon = take(text, ':');
    const std::optional<int> minutes = take_number(text, 2);
    if (!hours || !colon || !minutes || *hours > 24 || *minutes > 59) return std::nullopt;
    return (west ? -1 : 1) * (*hours * 3600 + *minutes * 60);
}

std::optional<Timestamp> read(std::string_view text)
{
    const auto year = take_number(text, 4);
    const bool dash = take(text, '-');
    const auto month = take_number(text, 2);
    const bool dash2 = take(text, '-');
    const auto day = take_number(text, 2);
    const bool t = take(text, 'T');
    const auto hour = take_number(text, 2);
    const bool colon = take(text, ':');
    const auto minute = take_number(text, 2);
    const bool colon2 = take(text, ':');
    const auto second = take_number(text, 2);
    const auto fraction = take_fraction(text);
    const auto zone = take_zone(text);
    if (!year || !dash || !month || !dash2 || !day || !t || !hour || !colon || !minute || !colon2 ||
        !second || !fraction || !zone || !text.empty())
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    const sys_seconds at = sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                           std::chrono::seconds(*second);
    return Timestamp{at.time_since_epoch().count() - *zone, *fraction, *zone};
}

}  // namespace

Timestamp Timestamp::local(int64_t at, uint32_t nanoseconds)
{
    // All zones change on quarters of an hour; the C library would take a lock each time that it is asked.
    constexpr int64_t quarter = 900;
    thread_local int64_t known_quarter = INT64_MIN;
    thread_local int32_t zone = 0;
    if (at / quarter != known_quarter) {
        const time_t time = at;
        tm parts = {};
        zone = ::localtime_r(&time, &parts) != nullptr ? static_cast<int32_t>(parts.tm_gmtoff) : 0;
        known_quarter = at / quarter;
    }
    return {at, nanoseconds, zone};
}

Timestamp Timestamp::now()
{
    timespec time = {};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return local(time.tv_sec, static_cast<uint32_t>(time.tv_nsec));
}

std::string Timestamp::text() const
{
    constexpr int64_t first = -62167219200, last = 253402300799;  // the years 0 and 9999
    // Go refuses to write seconds of a zone, so historic zones lose theirs.
    const int32_t zone = zone_seconds / 60 * 60;
    const int64_t there = std::clamp(seconds + zone, first, last);
    const sys_seconds moment{std::chrono::seconds(there)};
    const auto day = std::chrono::floor<days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(moment - day);
    std::string text;
    text.reserve(35);
    const auto put = [&text](int64_t number, int digits, char before) {
        if (before != '\0') text += before;
        text.append(static_cast<size_t>(digits), '0');
        for (size_t at = text.size(); number > 0; number /= 10)
            text[--at] = static_cast<char>('0' + number % 10);
    };
    put(static_cast<int>(date.year()), 4, '\0');
    put(static_cast<unsigned>(date.month()), 2, '-');
    put(static_cast<unsigned>(date.day()), 2, '-');
    put(time.hours().count(), 2, 'T');
    put(time.minutes().count(), 2, ':');
    put(time.seconds().count(), 2, ':');
    if (nanoseconds != 0) {
        put(nanoseconds, 9, '.');
        text.resize(text.find_last_not_of('0') + 1);
    }
    if (zone == 0) return text + "Z";
    const int32_t minutes = std::abs(zone) / 60;
    put(minutes / 60, 2, zone < 0 ? '-' : '+');
    put(minutes % 60, 2, ':');
    return text;
}

Result<Timestamp> Timestamp::from_text(std::string_view text)
{
    const std::optional<Timestamp> time = read(text);
    if (!time) return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no point in time", text.substr(0, 80)));
    return *time;
}

std::strong_ordering Timestamp::operator<=>(const Timestamp& other) const
{
    const std::strong_ordering by_seconds = seconds <=> other.seconds;
    return by_seconds != std::strong_ordering::equal ? by_seconds : nanoseconds <=> other.nanoseconds;
}

}  // namespace belay::backup
