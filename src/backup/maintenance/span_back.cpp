#include "backup/maintenance/span_back.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace belay::backup {
namespace {

/// No repository is older, and no calendar is left with more.
constexpr int most_of_a_unit = 100000;

/// std::chrono::year has 16 bits: beyond them a span back would lead into the future.
constexpr int most_years = 20000;

std::unexpected<Error> not_a_span(std::string_view text, std::string_view why)
{
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no span of time: {}", text.substr(0, 80), why),
                "write it as 1y5m7d2h: years, months, days, hours");
}

}  // namespace

Timestamp SpanBack::before(const Timestamp& time) const
{
    using std::chrono::sys_days;
    const int64_t there = time.seconds + time.zone_seconds;
    const auto day =
        std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds(there)});
    const int64_t second_of_day = there - std::chrono::seconds(day.time_since_epoch()).count();
    const std::chrono::year_month_day date(day);
    // A day that the month does not have runs over into the next, as Go's calendar does it.
    const std::chrono::year_month month = date.year() / date.month() -
                                          std::chrono::years(std::min(years, most_years)) -
                                          std::chrono::months(months);
    const auto then = sys_days(month / 1) + std::chrono::days(static_cast<unsigned>(date.day()) - 1) -
                      std::chrono::days(days);
    Timestamp result = time;
    result.seconds = std::chrono::seconds(then.time_since_epoch()).count() + second_of_day -
                     time.zone_seconds - int64_t{hours} * 3600;
    return result;
}

std::string SpanBack::text() const
{
    std::string all;
    const auto put = [&](int number, char unit) {
        if (number != 0) all += fmt::format("{}{}", number, unit);
    };
    put(years, 'y');
    put(months, 'm');
    put(days, 'd');
    put(hours, 'h');
    return all;
}

Result<SpanBack> SpanBack::from_text(std::string_view text)
{
    SpanBack span;
    std::string_view rest = text;
    if (rest.empty()) return not_a_span(text, "it is empty");
    while (!rest.empty()) {
        const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
        if (digits == 0) return not_a_span(text, "a number is missing");
        if (digits == rest.size()) return not_a_span(text, "a unit is missing behind the last number");
        int number = 0;
        const char* begin = rest.data();
        const auto [end, problem] = std::from_chars(begin, begin + digits, number);
        if (problem != std::errc() || number > most_of_a_unit) return not_a_span(text, "it is too long");
        switch (rest[digits]) {
            case 'y':
                span.years = number;
                break;
            case 'm':
                span.months = number;
                break;
            case 'd':
                span.days = number;
                break;
            case 'h':
                span.hours = number;
                break;
            default:
                return not_a_span(text, fmt::format("'{}' is no unit", rest[digits]));
        }
        rest.remove_prefix(digits + 1);
    }
    return span;
}

}  // namespace belay::backup
