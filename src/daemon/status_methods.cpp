#include "daemon/applications.h"
#include "daemon/host_events.h"
#include "daemon/host_name.h"
#include "daemon/own_host.h"
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

/// What its place in the site makes of this question, as anybody would be answered who asks it.
Json answer_to(const Services& services, const char* method, const char* list)
{
    const site::Methods& methods = services.methods();
    const auto found = methods.find(method);
    if (found == methods.end()) return Json::array();
    const Result<Reply> reply = found->second.answer({});
    return reply ? reply->parameters.value(list, Json::array()) : Json::array();
}

/// Of an operation that has not ended, what one line can tell.
Json short_view(const Json& view)
{
    Json line = Json::object();
    for (const char* field : {"id", "procedure", "title", "state", "held_in", "reason", "current_step",
                              "progress", "waits_for", "timer", "stuck"}) {
        if (view.contains(field)) line[field] = view[field];
    }
    return line;
}

Result<Reply> status(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const bool whole = TRY(parameters.flag("whole", false));
    TRY(parameters.no_other());
    const framework::configuration::Snapshot snapshot = TRY(services.configuration.snapshot());
    const Json operations = TRY(operations_of(services));
    const LoadToTell load = !whole ? LoadToTell::none : call.more ? LoadToTell::known : LoadToTell::fresh;
    Json answer = {{"host", host_name()},
                   {"version", BELAY_VERSION},
                   {"started_ms", services.started.count()},
                   {"operations", operations},
                   {"configuration", {{"version", snapshot.version}}},
                   {"maintenance", services.applications->in_maintenance()}};
    const std::optional<std::string> problem = services.events->problem();
    answer["messages"] = {{"problem", problem ? Json(*problem) : Json()}};
    answer["place"] = services.place != nullptr ? services.place->status(load) : Json{{"role", "alone"}};
    if (!whole) return Reply{std::move(answer), site_topic};
    answer["load"] = own_host(*services.applications, *services.load, true).at("load");
    answer["applications"] = answer_to(services, "Applications", "applications");
    // A host knows its own applications, and so not how a solution stands that has others as well.
    const bool knows_all = services.place == nullptr || services.place->is_controller();
    answer["solutions"] = knows_all ? answer_to(services, "Solutions", "solutions") : Json::array();
    answer["operations"]["unfinished"] = Json::array();
    for (const Json& view : answer_to(services, "List", "operations"))
        answer["operations"]["unfinished"].push_back(short_view(view));
    if (call.more) services.look_again();
    return Reply{std::move(answer), overview_topic};
}

}  // namespace

std::vector<site::Method> status_methods(const Services& services)
{
    return {{"Status", site::Right::view, [&services](const Call& call) { return status(services, call); }}};
}

}  // namespace belay::daemon
