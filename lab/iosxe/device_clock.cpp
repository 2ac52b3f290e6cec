#include "iosxe/device_clock.h"

#include <algorithm>
#include <cmath>

namespace belay::lab::iosxe {

DeviceClock::DeviceClock(Time start, double factor, Milliseconds real)
    : start_(start), factor_(factor), began_(real)
{
}

Time DeviceClock::at(Milliseconds real) const
{
    const double gone = static_cast<double>(std::max<int64_t>(0, (real - began_).count())) * factor_;
    return start_ + Milliseconds(static_cast<int64_t>(std::floor(gone)));
}

std::optional<Milliseconds> DeviceClock::until(Time due, Milliseconds real) const
{
    if (factor_ <= 0) return std::nullopt;
    const double left = static_cast<double>((due - at(real)).count()) / factor_;
    return Milliseconds(static_cast<int64_t>(std::ceil(std::clamp(left, 0.0, 3.6e6))));
}

void DeviceClock::set_factor(double factor, Milliseconds real)
{
    start_ = at(real);
    began_ = real;
    factor_ = factor;
}

Json DeviceClock::to_json() const
{
    return {{"start", start_.time_since_epoch().count()}, {"factor", factor_}, {"began", began_.count()}};
}

Result<DeviceClock> DeviceClock::read(const Json& json)
{
    try {
        return DeviceClock(Time(Milliseconds(json.at("start").get<int64_t>())),
                           json.at("factor").get<double>(), Milliseconds(json.at("began").get<int64_t>()));
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("the clock in the state file: {}", problem.what()));
    }
}

}  // namespace belay::lab::iosxe
