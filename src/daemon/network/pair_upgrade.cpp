// pair.upgrade over the hosts of a site: the standby first, then the one that served.

#include "daemon/network/controller_role.h"
#include "daemon/network/fleet.h"
#include "daemon/pairs.h"
#include "procedures/upgrade.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <set>

namespace belay::daemon {
namespace {

/// Beyond it, what one host has written at a time and another one has are not in order for a person.
constexpr Milliseconds most_clock_skew = std::chrono::seconds(5);
constexpr Milliseconds patience_with_clocks = std::chrono::seconds(10);

/// The timer that was asked for, which is no argument of a person's.
Result<std::optional<Milliseconds>> take_timer(std::map<std::string, std::string>& arguments)
{
    const auto found = arguments.find(procedures::timer_argument);
    if (found == arguments.end()) return std::optional<Milliseconds>();
    const std::string text = found->second + "ms";
    arguments.erase(found);
    return std::optional(TRY(parse_span(text)));
}

/// How far a clock is off that was looked at between these two moments of ours, at the least.
Milliseconds off_by(Milliseconds clock, Milliseconds before, Milliseconds after)
{
    return clock > after ? clock - after : std::min(clock - before, Milliseconds{0});
}

/// hosts.clocks {hosts: their names, by their numbers}: by the controller's clock, which is one of them. Who
/// does not answer is another check's.
Result<operation::Finding> clocks_agree(site::Members& members, const std::function<Milliseconds()>& wall,
                                        const Json& arguments)
{
    using operation::Verdict;
    std::vector<std::string> names, far_off;
    std::vector<site::MemberQuestion> questions;
    for (const auto& [number, name] : arguments.at("hosts").items()) {
        names.push_back(name.get<std::string>());
        questions.push_back(
            {.member = number, .method = "Hello", .parameters = {{"version", BELAY_VERSION}}});
    }
    const Milliseconds before = wall();
    const std::vector<Result<Json>> answers = members.ask(questions, "", patience_with_clocks);
    const Milliseconds after = wall();
    Milliseconds fastest{0}, slowest{0};
    for (size_t at = 0; at < answers.size(); ++at) {
        if (!answers[at]) continue;
        const Milliseconds off =
            off_by(Milliseconds(answers[at]->value("clock_ms", before.count())), before, after);
        fastest = std::max(fastest, off);
        slowest = std::min(slowest, off);
        // Of two that are too far apart one is so far off, or both.
        if (std::chrono::abs(off) * 2 > most_clock_skew)
            far_off.push_back(fmt::format("the clock of {} is {} {}", names[at],
                                          to_text(std::chrono::abs(off)), off.count() > 0 ? "fast" : "slow"));
    }
    const std::string wanted = fmt::format("clocks that are less than {} apart", to_text(most_clock_skew));
    if (fastest - slowest <= most_clock_skew)
        return operation::Finding{.found = fmt::format("{} apart", to_text(fastest - slowest)),
                                  .wanted = wanted};
    return operation::Finding{.verdict = Verdict::fail,
                              .found = fmt::format("{}", fmt::join(far_off, "; ")),
                              .wanted = wanted,
                              .mend = "timedatectl set-ntp true, on that host"};
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

/// A host that fails goes back as a whole, and so do those that are bound to it.
Result<void> check_may_fail(const procedures::FleetAsk& fleet, const std::vector<FleetPair>& pairs,
                            const Bunch& bunch)
{
    if (fleet.failures == 0 || bunch.pairs.size() == 1) return {};
    std::vector<std::string> names;
    for (const size_t at : bunch.pairs) names.push_back(pairs[at].name);
    return fail(
        ErrorKind::usage,
        fmt::format("{} have hosts in common, so none of them can fail alone", fmt::join(names, ", ")),
        "without --failures, or those pairs one after the other");
}

}  // namespace

void ControllerRole::fill(operation::Catalogue& catalogue)
{
    rollouts_.emplace(members_, state());
    site::add_rollout_actions(catalogue, *rollouts_);
    catalogue.add("pair.take-over", std::make_unique<TakeOver>(members_));
    catalogue.add_condition("hosts.clocks", [this](host::Host&, const Json& arguments) {
        return clocks_agree(members_, ground_.wall, arguments);
    });
}

/// How each host of a bunch would go about it, turn by turn; who is so already is left alone.
Result<PlannedTurns> ControllerRole::plan_bunch(const Bunch& bunch, const std::string& version)
{
    std::vector<site::MemberQuestion> questions;
    for (const std::vector<HostTurn>& turn : bunch.turns) {
        for (const HostTurn& host : turn) {
            std::map<std::string, std::string> told =
                TRY(ground_.image_arguments(host.members.front().image, version));
            told["version"] = version;
            std::vector<std::string> names;
            for (const PairMember& member : host.members) names.push_back(member.application);
            const bool is_pair = !host.whole_pair.empty();
            told[is_pair ? "pair" : "application"] =
                is_pair ? host.whole_pair : fmt::format("{}", fmt::join(names, ","));
            const std::string number = TRY(member_named(host.host));
            questions.push_back(
                {.member = number,
                 .method = "Plan",
                 .parameters = {{"procedure", is_pair ? "pair.upgrade-here" : "member.upgrade"},
                                {"arguments", told}}});
        }
    }
    std::vector<site::MemberPlan> plans = TRY(plans_of(questions, ""));
    PlannedTurns turns;
    auto next = plans.begin();
    for (const std::vector<HostTurn>& turn : bunch.turns) {
        turns.emplace_back();
        for (const HostTurn& host : turn) {
            site::MemberPlan& plan = *next++;
            if (plan.plan.steps.empty()) continue;
            plan.role = host.role();
            turns.back().push_back({.turn = host, .plan = std::move(plan)});
        }
    }
    return turns;
}

/// Pair after pair, as many at once as its wave has: of each first what stands by, then what serves.
Result<operation::Plan> ControllerRole::plan_pair_upgrade(std::map<std::string, std::string> arguments)
{
    const std::optional<Milliseconds> timer = TRY(take_timer(arguments));
    const procedures::FleetAsk fleet = TRY(procedures::read_fleet(arguments));
    const std::string& version = arguments.at("version");
    std::vector<FleetPair> pairs;
    std::set<std::string> images;
    for (const std::string& name : fleet.pairs) {
        std::vector<PairMember> members = TRY(members_of_pair(conductor_.everywhere(), name));
        images.insert(members.front().image);
        pairs.push_back({.name = name, .members = std::move(members)});
    }
    const std::vector<Bunch> bunches = TRY(bunches_of(pairs));
    site::SitePlanAsk ask{.site = authority_->site,
                          .procedure = "pair.upgrade",
                          .title = {},
                          .asked = arguments,
                          .back_in_order = true,
                          .limit = 2 * fleet.failures,
                          .timer = timer,
                          .soak = fleet.soak};
    Serving serving(pairs);
    Json hosts = Json::object();
    auto next = bunches.begin();
    for (const uint64_t size : fleet.waves) {
        PlannedTurns wave;
        for (size_t taken = 0; next != bunches.end() && taken < size; ++next) {
            TRY(check_may_fail(fleet, pairs, *next));
            PlannedTurns turns = TRY(plan_bunch(*next, version));
            std::vector<std::string> bound;
            wave.resize(std::max(wave.size(), turns.size()));
            for (size_t at = 0; at < turns.size(); ++at) {
                for (PlannedTurn& one : turns[at]) {
                    bound.push_back(one.plan.member.id);
                    hosts[one.plan.member.id] = one.plan.member.name;
                    wave[at].push_back(std::move(one));
                }
            }
            if (!bound.empty()) taken += next->pairs.size();
            ask.together.push_back(std::move(bound));
        }
        add_wave(std::move(wave), serving, ask);
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
