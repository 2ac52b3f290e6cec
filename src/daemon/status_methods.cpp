#include "daemon/host_name.h"
#include "daemon/parameters.h"
#include "daemon/place.h"
#include "daemon/services.h"
#include "framework/configuration/register.h"

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

struct Unfinished {
    size_t open = 0, held = 0;
};

Result<void> count(operation::Engine& engine, Unfinished& unfinished)
{
    for (const operation::Id& id : TRY(engine.unfinished())) {
        ++unfinished.open;
        if (TRY(engine.show(id)).operation.state == operation::State::held) ++unfinished.held;
    }
    return {};
}

Result<Json> operations_of(const Services& services)
{
    Unfinished unfinished;
    TRY(count(services.engine, unfinished));
    if (operation::Engine* const of_site = services.site_engine()) TRY(count(*of_site, unfinished));
    return Json{{"open", unfinished.open}, {"held", unfinished.held}};
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
