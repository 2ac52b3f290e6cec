// pair.upgrade over the hosts of a site: the standby first, then the one that served.

#include "daemon/network/controller_role.h"
#include "daemon/pairs.h"
#include "procedures/upgrade.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <set>

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

constexpr Milliseconds patience_with_host = std::chrono::seconds(15);

/// pair.take-over {host: its number, application}: where what runs a pair can let its standby take over, that
/// is what moves the service (keepalived: its priority is raised). Nothing of it is undone: going back, the
/// members see to it that whoever is changed does not serve.
class TakeOver final : public operation::Action {
  public:
    explicit TakeOver(site::Members& members) : members_(members) {}

    Result<operation::Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        using Found = operation::Inspection::Found;
        const Json answer = TRY(ask("MemberLook", arguments));
        operation::Inspection inspection{.detail = answer.value("says", "")};
        if (answer.value("serves", false) || answer.value("is_prepared", false))
            inspection.found = Found::done;
        if (answer.value("is_handing", false)) inspection.found = Found::running;
        return inspection;
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        TRY(ask("MemberTakeOver", arguments));
        return {};
    }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }

  private:
    Result<Json> ask(const char* method, const Json& arguments) const
    {
        const std::vector<Result<Json>> answers =
            members_.ask({{.member = arguments.at("host"),
                           .method = method,
                           .parameters = {{"application", arguments.at("application")}}}},
                         "", patience_with_host);
        return answers.front();
    }

    site::Members& members_;
};

operation::Step take_over_step(const site::MemberPlan& standby)
{
    const auto application = standby.plan.asked.value("application", "");
    return {.name = "take-over-" + application,
            .title = fmt::format("{} takes over", application),
            .phase = operation::Phase::activate,
            .member = standby.member.name,
            .action = "pair.take-over",
            .arguments = {{"host", standby.member.id}, {"application", application}},
            .commands = {fmt::format("{}: the driver of {}, take-over", standby.member.name, application)}};
}

}  // namespace

void ControllerRole::fill(operation::Catalogue& catalogue)
{
    rollouts_.emplace(members_, state());
    site::add_rollout_actions(catalogue, *rollouts_);
    catalogue.add("pair.take-over", std::make_unique<TakeOver>(members_));
    catalogue.add_condition("hosts.clocks", [this](host::Host&, const Json& arguments) {
        return clocks_agree(is_open_ ? services_.controller.get() : nullptr, arguments);
    });
}

/// One pair of those that are to be upgraded.
struct ControllerRole::UpgradedPair {
    std::string image;
    std::vector<PairMember> members;
    std::vector<site::MemberPlan> plans;  ///< the one that stands by first; one plan where both are on a host
};

/// How each of its hosts would go about it.
Result<ControllerRole::UpgradedPair> ControllerRole::plan_one_pair(const std::string& name,
                                                                   const std::string& version)
{
    UpgradedPair pair;
    pair.members = TRY(members_of_pair(conductor_.everywhere(), name));
    pair.image = pair.members.front().image;
    std::map<std::string, std::string> told = TRY(ground_.image_arguments(pair.image, version));
    told["version"] = version;
    const bool is_on_one_host = pair.members.front().host == pair.members.back().host;
    std::vector<site::MemberQuestion> questions;
    for (const PairMember& member : pair.members) {
        const std::string number = TRY(member_named(member.host));
        told[is_on_one_host ? "pair" : "application"] = is_on_one_host ? name : member.application;
        questions.push_back(
            {.member = number,
             .method = "Plan",
             .parameters = {{"procedure", is_on_one_host ? "pair.upgrade-here" : "member.upgrade"},
                            {"arguments", told}}});
        if (is_on_one_host) break;
    }
    pair.plans = TRY(plans_of(questions, ""));
    if (!is_on_one_host) {
        for (size_t at = 0; at < pair.plans.size(); ++at)
            pair.plans[at].role = pair.members[at].serves ? "active" : "standby";
    }
    // Who is so already is left alone.
    std::erase_if(pair.plans, [](const site::MemberPlan& one) { return one.plan.steps.empty(); });
    return pair;
}

/// Pair after pair, as many at once as its wave has: in each first those that stand by, then the others.
Result<operation::Plan> ControllerRole::plan_pair_upgrade(const std::map<std::string, std::string>& arguments)
{
    const procedures::FleetAsk fleet = TRY(procedures::read_fleet(arguments));
    const std::string& version = arguments.at("version");
    site::SitePlanAsk ask{.site = authority_->site,
                          .procedure = "pair.upgrade",
                          .title = {},
                          .asked = arguments,
                          .back_in_order = true,
                          .limit = 2 * fleet.failures,
                          .soak = fleet.soak};
    std::set<std::string> images, hosts;
    size_t next = 0;
    for (const uint64_t size : fleet.waves) {
        std::vector<site::MemberPlan> first, then;
        for (; next < fleet.pairs.size() && first.size() < size; ++next) {
            UpgradedPair pair = TRY(plan_one_pair(fleet.pairs[next], version));
            images.insert(pair.image);
            std::vector<std::string> bound;
            for (site::MemberPlan& one : pair.plans) {
                bound.push_back(one.member.id);
                if (!hosts.insert(one.member.id).second)
                    return fail(ErrorKind::usage,
                                fmt::format("{} has members of two of these pairs", one.member.name),
                                "upgrade those pairs one after the other");
                (one.role == "active" ? then : first).push_back(std::move(one));
            }
            ask.together.push_back(std::move(bound));
        }
        std::vector<operation::Step> moves;
        for (const site::MemberPlan& one : first) {
            if (one.plan.asked.value("takes_over", false) && !then.empty())
                moves.push_back(take_over_step(one));
        }
        for (std::vector<site::MemberPlan>* const wave : {&first, &then}) {
            if (wave->empty()) continue;
            ask.waves.push_back(wave->size());
            if (wave == &first) ask.between[ask.waves.size()] = moves;
            std::ranges::move(*wave, std::back_inserter(ask.members));
        }
    }
    const bool is_one = fleet.pairs.size() == 1;
    const std::string which =
        is_one ? fmt::format("pair {}", fleet.pairs.front()) : fmt::format("{} pairs", fleet.pairs.size());
    const std::string what = fmt::format("{} {}", fmt::join(images, ", "), version);
    if (ask.members.empty())
        return operation::Plan{
            .procedure = ask.procedure,
            .title = fmt::format("The {} run{} {} already", which, is_one ? "s" : "", what)};
    ask.title = fmt::format("Upgrade {}{} to {}", is_one ? "the " : "", which, what);
    operation::Plan plan = TRY(site::make_site_plan(ground_.host, std::move(ask)));
    plan.checks.push_back({.code = "hosts.clocks",
                           .title = "the clocks of the hosts agree",
                           .question = {"hosts.clocks", {{"hosts", hosts}}}});
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
