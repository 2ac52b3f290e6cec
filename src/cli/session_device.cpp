#include "cli/device_text.h"
#include "cli/fields.h"
#include "cli/session.h"

namespace belay::cli {

Result<int> Session::device()
{
    if (asked_.target.empty()) {
        const Json answer = TRY(client_.call("DeviceList", Json::object()));
        say(answer, devices_text(style_, list_of(answer, "devices")));
        return 0;
    }
    const Json answer = TRY(client_.call("DeviceLook", {{"device", asked_.target}}));
    say(answer, device_text(style_, answer));
    return 0;
}

/// How the device of an upgrade stands, while that has not ended; null: it has, is of no device, or does not
/// answer, as while it reloads.
Json Session::device_of(const Json& view)
{
    const std::string state = raw_text(view, "state");
    const std::string device = raw_text(object_of(object_of(view, "plan"), "asked"), "device");
    if (device.empty() || state == "committed" || state == "aborted") return {};
    const Result<Json> answer = client_.call("DeviceLook", {{"device", device}});
    return answer ? *answer : Json();
}

}  // namespace belay::cli
