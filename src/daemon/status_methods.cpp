#include "daemon/host_name.h"
#include "daemon/parameters.h"
#include "daemon/place.h"
#include "daemon/services.h"
#include "framework/configuration/register.h"

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

Result<Json> operations_of(const Services& services)
{
    size_t held = 0;
    const std::vector<operation::Id> open = TRY(services.engine.unfinished());
    for (const operation::Id& id : open) {
        if (TRY(services.engine.show(id)).operation.state == operation::State::held) ++held;
    }
    return Json{{"open", open.size()}, {"held", held}};
}

Result<Reply> status(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    TRY(parameters.no_other());
    const framework::configuration::Snapshot snapshot = TRY(services.configuration.snapshot());
    const Json operations = TRY(operations_of(services));
    const Json place = services.place != nullptr ? services.place->status() : Json{{"role", "alone"}};
    return Reply{{{"host", host_name()},
                  {"version", BELAY_VERSION},
                  {"started_ms", services.started.count()},
                  {"operations", operations},
                  {"configuration", {{"version", snapshot.version}}},
                  {"place", place}},
                 site_topic};
}

}  // namespace

std::vector<site::Method> status_methods(const Services& services)
{
    return {{"Status", site::Right::view, [&services](const Call& call) { return status(services, call); }}};
}

}  // namespace belay::daemon
