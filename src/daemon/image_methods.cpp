// What is asked about images: on a host about its own, on a controller about those of all its hosts.

#include "daemon/applications.h"
#include "daemon/parameters.h"
#include "daemon/services.h"
#include "daemon/upgrades.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;
using site::Right;

/// Those of unfinished operations that work on images.
Result<Json> operations_on_images(const Services& services)
{
    Json all = Json::array();
    for (const operation::Id& id : TRY(services.engine.unfinished())) {
        const operation::View view = TRY(view_of(services, id));
        const operation::Plan& plan = view.operation.plan;
        const bool is_on_images =
            plan.procedure == "pair.upgrade" || std::ranges::any_of(plan.locks, [](const std::string& lock) {
                return lock.starts_with("image:");
            });
        if (!is_on_images) continue;
        Json json = view;
        json["locks"] = plan.locks;
        json.erase("plan");
        json["procedure"] = plan.procedure;
        json["title"] = plan.title;
        all.push_back(std::move(json));
    }
    return all;
}

Result<void> check_nobody_works_on(const Services& services, const std::string& image)
{
    const Json operations = TRY(operations_on_images(services));
    for (const Json& one : operations) {
        const Json& locks = one.at("locks");
        const bool is_locked = std::ranges::find(locks, Json("image:" + image)) != locks.end();
        if (is_locked)
            return fail(ErrorKind::busy,
                        fmt::format("operation {} works on {}", one.at("id").get<std::string>(), image),
                        fmt::format("belay show {}", one.at("id").get<std::string>()));
    }
    return {};
}

/// A host about its own.
Result<Json> here(const Services& services, const std::string& what, const Json& asked)
{
    Parameters parameters(asked);
    const std::string image = TRY(parameters.text("image"));
    const bool dry_run = TRY(parameters.flag("dry_run", false));
    TRY(parameters.no_other());
    Upgrades& upgrades = *services.upgrades;
    if (what == "ImageSummary") {
        Json summary = TRY(upgrades.summary());
        summary["operations"] = TRY(operations_on_images(services));
        return summary;
    }
    if (what == "ImageRemoveInactive") return upgrades.remove_inactive(image, dry_run);
    TRY(check_nobody_works_on(services, image));
    return upgrades.clear(image, dry_run);
}

/// All hosts, one by one; what one of them says is its own.
Result<Json> everywhere(const Services& services, const std::string& what, const Call& call)
{
    Json hosts = Json::array();
    const bool leads = services.place != nullptr && services.place->is_controller();
    if (!leads) {
        hosts.push_back(TRY(here(services, what, call.parameters)));
        return Json{{"hosts", std::move(hosts)}};
    }
    const auto answers = TRY(services.place->ask_hosts(what + "Here", call.parameters, call.caller.user));
    for (const auto& [host, answer] : answers) {
        Json one = answer ? *answer : Json{{"problem", answer.error().what}};
        one["host"] = host;
        hosts.push_back(std::move(one));
    }
    Json all = {{"hosts", std::move(hosts)}};
    if (what != "ImageSummary") return all;
    const Json own = TRY(here(services, what, call.parameters));
    all["published"] = own.at("published");
    all["operations"] = own.at("operations");
    return all;
}

}  // namespace

std::vector<site::Method> image_methods(const Services& services)
{
    std::vector<site::Method> all = services.upgrades->methods();
    for (const auto& [name, right] :
         {std::pair{"ImageSummary", Right::view}, std::pair{"ImageRemoveInactive", Right::operate},
          std::pair{"ImageClear", Right::operate}}) {
        const std::string what = name;
        all.push_back({what, right, [&services, what](const Call& call) -> Result<Reply> {
                           Json answer = TRY(everywhere(services, what, call));
                           return Reply{std::move(answer)};
                       }});
        all.push_back({what + "Here", right, [&services, what](const Call& call) -> Result<Reply> {
                           Json answer = TRY(here(services, what, call.parameters));
                           return Reply{std::move(answer)};
                       }});
    }
    return all;
}

}  // namespace belay::daemon
