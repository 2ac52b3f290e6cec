// pair.upgrade over the hosts of a site: the standby first, then the one that served.

#include "daemon/network/controller_role.h"
#include "daemon/pairs.h"
#include "procedures/upgrade.h"

#include <algorithm>

namespace belay::daemon {
namespace {

/// Beyond it, what one host has written at a time and another one has are not in order for a person.
constexpr Milliseconds most_clock_skew = std::chrono::seconds(5);

/// hosts.clocks {hosts: numbers}.
Result<operation::Finding> clocks_agree(site::Controller* controller, const Json& arguments)
{
    using operation::Verdict;
    if (controller == nullptr) return fail(ErrorKind::unavailable, "there is no controller");
    operation::Finding finding{.found = "less than 5 s apart"};
    for (const Json& host : arguments.at("hosts")) {
        const site::Presence presence = controller->hub().presence(host.get<std::string>());
        const Milliseconds ahead = presence.clock_ahead;
        if (std::chrono::abs(ahead) <= most_clock_skew) continue;
        finding = {
            .verdict = Verdict::fail,
            .found = fmt::format("the clock of {} is {} {}", presence.host_name,
                                 to_text(std::chrono::abs(ahead)), ahead.count() > 0 ? "fast" : "slow"),
            .wanted = fmt::format("clocks that are less than {} apart", to_text(most_clock_skew)),
            .mend = "timedatectl set-ntp true, on that host"};
    }
    return finding;
}

}  // namespace

void ControllerRole::fill(operation::Catalogue& catalogue)
{
    rollouts_.emplace(members_, state());
    site::add_rollout_actions(catalogue, *rollouts_);
    catalogue.add_condition("hosts.clocks", [this](host::Host&, const Json& arguments) {
        return clocks_agree(is_open_ ? services_.controller.get() : nullptr, arguments);
    });
}

Result<operation::Plan> ControllerRole::plan_pair_upgrade(const std::map<std::string, std::string>& arguments)
{
    const std::string& pair = arguments.at("pair");
    const std::string& version = arguments.at("version");
    const std::vector<PairMember> members = TRY(members_of_pair(conductor_.everywhere(), pair));
    const std::string image = members.front().image;
    std::map<std::string, std::string> told = TRY(ground_.image_arguments(image, version));
    told["version"] = version;
    const bool is_on_one_host = members.front().host == members.back().host;
    std::vector<site::MemberQuestion> questions;
    for (const PairMember& member : members) {
        const std::string number = TRY(member_named(member.host));
        told[is_on_one_host ? "pair" : "application"] = is_on_one_host ? pair : member.application;
        questions.push_back(
            {.member = number,
             .method = "Plan",
             .parameters = {{"procedure", is_on_one_host ? "pair.upgrade-here" : "member.upgrade"},
                            {"arguments", told}}});
        if (is_on_one_host) break;
    }
    std::vector<site::MemberPlan> plans = TRY(plans_of(questions, ""));
    site::SitePlanAsk ask{.site = authority_->site,
                          .procedure = "pair.upgrade",
                          .title = fmt::format("Upgrade the pair {} to {} {}", pair, image, version),
                          .asked = arguments,
                          .members = std::move(plans),
                          .back_in_order = true,
                          .waves = {1, 1},
                          .soak = Milliseconds{0}};
    if (!is_on_one_host) {
        for (size_t at = 0; at < ask.members.size(); ++at)
            ask.members[at].role = members[at].serves ? "active" : "standby";
    }
    // It is so already on all of them: nothing is to be done.
    const auto has_nothing_to_do = [](const site::MemberPlan& one) { return one.plan.steps.empty(); };
    if (std::ranges::all_of(ask.members, has_nothing_to_do))
        return operation::Plan{.procedure = ask.procedure,
                               .title = fmt::format("The pair {} runs {} {} already", pair, image, version)};
    std::erase_if(ask.members, has_nothing_to_do);
    Json hosts = Json::array();
    for (const site::MemberPlan& one : ask.members) hosts.push_back(one.member.id);
    operation::Plan plan = TRY(site::make_site_plan(ground_.host, std::move(ask)));
    plan.checks.push_back({.code = "hosts.clocks",
                           .title = "the clocks of the hosts agree",
                           .question = {"hosts.clocks", {{"hosts", std::move(hosts)}}}});
    return plan;
}

std::vector<procedures::Procedure> ControllerRole::procedures()
{
    procedures::Procedure upgrade = procedures::pair_upgrade_page();
    upgrade.make = [this](host::Host&, const std::map<std::string, std::string>& arguments) {
        return plan_pair_upgrade(arguments);
    };
    return {std::move(upgrade)};
}

}  // namespace belay::daemon
