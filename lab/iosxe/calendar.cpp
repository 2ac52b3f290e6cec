#include "iosxe/calendar.h"

namespace belay::lab::iosxe {
namespace {

constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

Calendar calendar(Time time)
{
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time - day).count();
    Calendar found;
    found.year = static_cast<int>(date.year());
    found.month = static_cast<unsigned>(date.month());
    found.day = static_cast<unsigned>(date.day());
    found.month_name = months.at(found.month - 1);
    found.weekday = weekdays.at(std::chrono::weekday(day).c_encoding());
    found.time = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    found.thousandths = static_cast<int>((time - std::chrono::floor<std::chrono::seconds>(time)).count());
    return found;
}

}  // namespace belay::lab::iosxe
