#include "daemon/services.h"

#include "daemon/alarm_watch.h"
#include "daemon/applications.h"
#include "daemon/devices.h"
#include "daemon/host_events.h"
#include "daemon/messages.h"
#include "daemon/own_host.h"
#include "daemon/pairs.h"
#include "site/rollout/part_methods.h"

namespace belay::daemon {

using operation::State;

std::vector<site::Method> methods_of(const Services& services)
{
    std::vector<site::Method> all;
    // First: what a place answers is what its machine is asked then.
    if (services.place != nullptr) all = services.place->methods();
    for (const auto& part :
         {house_methods(services), plan_methods(services), operation_methods(services),
          history_methods(services), alarm_methods(services), alarm_book_methods(services),
          configuration_methods(services), status_methods(services), own_host_methods(services),
          services.applications->methods(), services.messages->methods(services.place),
          services.events->methods(), solution_methods(services.applications->everywhere()),
          pair_methods(services.applications->everywhere()), image_methods(services),
          services.devices->methods(), catalog_methods(services),
          site::part_methods(services.engine, services.wake)})
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

operation::Asker asker_of(const site::Call& call, std::string why)
{
    return {.user = call.caller.user, .origin = call.caller.origin, .why = std::move(why)};
}

Result<operation::View> view_of(const Services& services, const operation::Id& id)
{
    operation::View view = TRY(services.engine.show(id));
    view.stuck = services.stuck(id);
    // After a failed sync the store says so until it is opened anew.
    if (view.stuck && view.stuck->kind == ErrorKind::io && view.stuck->next.empty())
        view.stuck->next = services.restart;
    return view;
}

bool is_at_rest(const operation::Operation& operation, bool settle)
{
    switch (operation.state) {
        case State::committed:
        case State::aborted:
        case State::held:
            return true;
        case State::planned:
            return settle;
        case State::added:
        case State::activated:
            return settle && !operation.one_shot;
        case State::adding:
        case State::activating:
        case State::committing:
        case State::aborting:
            return false;
    }
    return false;
}

}  // namespace belay::daemon
