#include "daemon/monitor.h"
#include "daemon/parameters.h"
#include "daemon/services.h"

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

constexpr uint64_t alarms_by_default = 100;

Result<Reply> list_alarms(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const uint64_t limit = TRY(parameters.count("limit", alarms_by_default));
    TRY(parameters.no_other());
    services.monitor.try_again();
    const Alarms& alarms = services.monitor.alarms();
    const std::vector<RaisedAlarm> newest = TRY(alarms.newest(limit));
    Json state = TRY(alarms.state());
    Json answer = {{"alarms", newest},
                   {"arrays", state.is_null() ? Json::array() : std::move(state)},
                   {"watching", services.monitor.is_watching()}};
    return Reply{std::move(answer), alarm_topic};
}

Result<Reply> test_alarm(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    TRY(parameters.no_other());
    TRY(services.monitor.test());
    const std::vector<RaisedAlarm> newest = TRY(services.monitor.alarms().newest(1));
    return Reply{{{"alarms", newest}}};
}

}  // namespace

std::vector<site::Method> alarm_methods(const Services& services)
{
    using site::Right;
    return {
        {"Alarms", Right::view, [&services](const Call& call) { return list_alarms(services, call); }},
        {"AlarmTest", Right::operate, [&services](const Call& call) { return test_alarm(services, call); }}};
}

}  // namespace belay::daemon
