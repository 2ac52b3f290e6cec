#include "message_server/time_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <fmt/format.h>

namespace belay::message_server {
namespace {

struct Field {
    size_t at, digits;
    int least, most;
};
constexpr std::array<Field, 7> fields = {{{0, 4, 1970, 9999},
                                          {5, 2, 1, 12},
                                          {8, 2, 1, 31},
                                          {11, 2, 0, 23},
                                          {14, 2, 0, 59},
                                          {17, 2, 0, 60},
                                          {20, 3, 0, 999}}};

}  // namespace

std::string time_text(Milliseconds wall)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
    const std::chrono::sys_seconds point{seconds};
    const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{point - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       (wall - seconds).count());
}

std::optional<Milliseconds> time_at_front(std::string_view line)
{
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (line.size() < form.size()) return std::nullopt;
    for (size_t at = 0; at < form.size(); ++at) {
        const bool is_digit = line[at] >= '0' && line[at] <= '9';
        if (form[at] == 'd' ? !is_digit : line[at] != form[at]) return std::nullopt;
    }
    std::array<int, fields.size()> values{};
    for (size_t at = 0; at < fields.size(); ++at) {
        const Field& field = fields.at(at);
        std::from_chars(line.data() + field.at, line.data() + field.at + field.digits, values.at(at));
        if (values.at(at) < field.least || values.at(at) > field.most) return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year(values[0]),
                                           std::chrono::month(static_cast<unsigned>(values[1])),
                                           std::chrono::day(static_cast<unsigned>(values[2]))};
    if (!date.ok()) return std::nullopt;
    return std::chrono::duration_cast<Milliseconds>(std::chrono::sys_days(date).time_since_epoch()) +
           std::chrono::hours(values[3]) + std::chrono::minutes(values[4]) + std::chrono::seconds(values[5]) +
           Milliseconds(values[6]);
}

}  // namespace belay::message_server
