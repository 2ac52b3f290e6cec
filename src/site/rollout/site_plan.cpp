#include "site/rollout/site_plan.h"

#include "operation/plan_builder.h"

#include <algorithm>
#include <set>

namespace belay::site {
namespace {

using operation::Act;
using operation::Checked;
using operation::Phase;
using operation::Plan;
using operation::PlanBuilder;
using operation::Step;
using operation::Verdict;

/// A member's own deadline comes so much later than its operation's, so that this can do it in order.
constexpr Milliseconds own_margin = std::chrono::minutes(1);
constexpr Milliseconds never_stalled = std::chrono::hours(24 * 365);
/// A store takes 4 MiB as one value (store/limits.h).
constexpr size_t most_plan_bytes = 3 << 20;
constexpr size_t most_lines_of_hosts = 10;

Result<std::string> new_rollout(host::Host& host)
{
    const std::string bytes = TRY(host.random(16));
    std::string digits;
    for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return digits;
}

Result<void> check_ask(const SitePlanAsk& ask)
{
    if (ask.members.empty()) return fail(ErrorKind::usage, "a site operation names at least one host");
    if (ask.members.size() > most_members)
        return fail(ErrorKind::usage,
                    fmt::format("{} hosts are more than one site operation takes: {} at most",
                                ask.members.size(), most_members));
    std::set<std::string_view> ids;
    for (const MemberPlan& one : ask.members) {
        if (!ids.insert(one.member.id).second)
            return fail(ErrorKind::usage, fmt::format("the host {} stands there twice", one.member.name));
        if (const Result<void> fits = validate_as_part(one.plan); !fits)
            return fail(ErrorKind::usage, fmt::format("{}: {}", one.member.name, fits.error().what));
    }
    if (ask.limit >= ask.members.size())
        return fail(ErrorKind::usage, fmt::format("a limit of {} failures would let all {} hosts fail",
                                                  ask.limit, ask.members.size()));
    if (std::ranges::find(ask.waves, uint64_t{0}) != ask.waves.end())
        return fail(ErrorKind::usage, "a wave has at least one host");
    return {};
}

using Group = std::vector<const MemberPlan*>;

/// One, then some, then the rest.
std::vector<Group> waves_of(const SitePlanAsk& ask)
{
    const size_t all = ask.members.size();
    std::vector<uint64_t> sizes = ask.waves;
    if (sizes.empty()) sizes = {1, (all + 9) / 10};
    sizes.push_back(all);
    std::vector<Group> waves;
    size_t next = 0;
    for (const uint64_t size : sizes) {
        Group wave;
        for (; next < all && wave.size() < size; ++next) wave.push_back(&ask.members[next]);
        if (!wave.empty()) waves.push_back(std::move(wave));
    }
    return waves;
}

std::string name_in_plan(const MemberPlan& one)
{
    return one.role.empty() ? one.member.name : fmt::format("{} ({})", one.member.name, one.role);
}

std::string names_of(const Group& group)
{
    std::vector<std::string> names;
    for (const MemberPlan* one : group) {
        if (names.size() == most_lines_of_hosts) break;
        names.push_back(name_in_plan(*one));
    }
    const size_t more = group.size() - names.size();
    return fmt::format("{}{}", fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

/// What a person would type on each host; N is the number that the host gave its part ("belay show").
std::vector<std::string> by_hand(const Group& group, std::string_view command)
{
    std::vector<std::string> lines;
    for (const MemberPlan* one : group) {
        if (lines.size() == most_lines_of_hosts) {
            lines.push_back(fmt::format("and so on {} more hosts", group.size() - lines.size()));
            break;
        }
        lines.push_back(fmt::format("{}: belay {} N", one->member.name, command));
    }
    return lines;
}

/// The members of a group work at the same time: as long as the slowest of them.
Milliseconds takes_of(const Group& group, Phase phase)
{
    Milliseconds longest{0};
    for (const MemberPlan* one : group) {
        Milliseconds sum{0};
        for (const Step& step : one->plan.steps) {
            if (step.phase == phase) sum += step.takes;
        }
        longest = std::max(longest, sum);
    }
    return longest;
}

/// Why the members cannot go back from their commit, each reason once.
std::string one_way_of(const SitePlanAsk& ask)
{
    std::vector<std::string> reasons;
    for (const MemberPlan& one : ask.members) {
        for (const Step& step : one.plan.steps) {
            const bool is_new = std::ranges::find(reasons, step.one_way) == reasons.end();
            if (!step.one_way.empty() && is_new && reasons.size() < most_lines_of_hosts)
                reasons.push_back(step.one_way);
        }
    }
    const std::string first = "the first host that lets the old go has no way back to the others";
    return reasons.empty() ? first : fmt::format("{}: {}", first, fmt::join(reasons, "; "));
}

/// What a member's checks came to, in one line.
Checked summary_of(const MemberPlan& one)
{
    Checked summary;
    summary.code = "member." + one.member.name;
    summary.title = fmt::format("the checks of {} itself", name_in_plan(one));
    std::vector<std::string> found, wanted;
    for (const Checked& checked : one.findings) {
        if (checked.finding.verdict == Verdict::pass) continue;
        summary.finding.verdict = std::max(summary.finding.verdict, checked.finding.verdict);
        found.push_back(fmt::format("{} ({}): {}", checked.title, checked.code, checked.finding.found));
        if (!checked.finding.wanted.empty()) wanted.push_back(checked.finding.wanted);
        if (summary.finding.mend.empty() && !checked.finding.mend.empty())
            summary.finding.mend = fmt::format("on {}: {}", one.member.name, checked.finding.mend);
    }
    summary.finding.found = found.empty()
                                ? fmt::format("{} of {} pass", one.findings.size(), one.findings.size())
                                : fmt::format("{}", fmt::join(found, "; "));
    summary.finding.wanted = fmt::format("{}", fmt::join(wanted, "; "));
    return summary;
}

/// Builds it piece by piece.
class SitePlan {
  public:
    SitePlan(SitePlanAsk ask, std::string rollout)
        : ask_(std::move(ask)), plan_(ask_.procedure, ask_.title, ask_.asked)
    {
        roster_ = {.rollout = std::move(rollout),
                   .site = ask_.site,
                   .together = ask_.together,
                   .limit = ask_.limit,
                   .silence = ask_.silence};
        for (MemberPlan& one : ask_.members) {
            roster_.members.push_back(one.member);
            everybody_.push_back(&one);
            roster_.timer = std::max(roster_.timer, one.plan.timer);
        }
        if (ask_.timer) roster_.timer = *ask_.timer;
        const std::vector<Group> waves = waves_of(ask_);
        for (size_t i = 0; i < waves.size(); ++i) {
            const size_t turns = ask_.back_in_order ? waves.size() - i : 1;
            for (const MemberPlan* one : waves[i])
                ask_.members[static_cast<size_t>(one - ask_.members.data())].plan.timer =
                    roster_.timer + turns * own_margin;
        }
    }

    Result<Plan> build()
    {
        checks();
        add();
        activate();
        commit();
        around();
        Plan plan = TRY(plan_.build());
        if (const size_t bytes = json_text(plan).size(); bytes > most_plan_bytes)
            return fail(ErrorKind::usage,
                        fmt::format("the plans of these hosts are together {}, and one operation takes {}",
                                    to_text(Bytes{bytes}), to_text(Bytes{most_plan_bytes})),
                        "name fewer hosts, in several operations");
        return plan;
    }

  private:
    Roster roster(std::string_view step, const Group& group = {}) const
    {
        Roster roster = roster_;
        roster.step = step;
        for (const MemberPlan* one : group) roster.group.push_back(one->member.id);
        return roster;
    }

    Step& step(Phase phase, std::string_view name, std::string title, const Group& group, Act act)
    {
        Step& step = plan_.step(phase, std::string(name), std::move(title), std::move(act));
        step.member = names_of(group);
        step.takes = takes_of(group, phase);
        step.stalled_after = never_stalled;
        return step;
    }

    void checks()
    {
        plan_.check_once("members.answer", "the hosts answer", {"members.answer", roster("")});
        for (const MemberPlan& one : ask_.members) {
            const Checked summary = summary_of(one);
            const Json said = {{"verdict", name_of(summary.finding.verdict)},
                               {"found", summary.finding.found},
                               {"wanted", summary.finding.wanted},
                               {"mend", summary.finding.mend}};
            plan_.check_once(summary.code, summary.title, {"members.said", said});
        }
        plan_.check("members.in-order", "the hosts are as the operation left them",
                    {"members.in-order", roster("")});
    }

    void add()
    {
        Json arguments = roster(add_step);
        for (const MemberPlan& one : ask_.members) arguments["plans"][one.member.id] = one.plan;
        step(Phase::add, add_step, fmt::format("prepare on {} hosts at once", everybody_.size()), everybody_,
             {"members.add", std::move(arguments), by_hand(everybody_, "add"), by_hand(everybody_, "abort")});
    }

    void add_steps_after(size_t waves)
    {
        const auto found = ask_.between.find(waves);
        if (found == ask_.between.end()) return;
        std::ranges::copy(found->second, std::back_inserter(plan_.plan().steps));
    }

    void activate()
    {
        const std::vector<Group> waves = waves_of(ask_);
        add_steps_after(0);
        for (size_t i = 0; i < waves.size(); ++i) {
            const std::string name = fmt::format("wave-{}", i + 1);
            step(Phase::activate, name,
                 fmt::format("wave {} of {}: switch {} host{}", i + 1, waves.size(), waves[i].size(),
                             waves[i].size() == 1 ? "" : "s"),
                 waves[i],
                 {"members.activate", roster(name, waves[i]), by_hand(waves[i], "activate"),
                  by_hand(waves[i], "abort")});
            add_steps_after(i + 1);
            if (i + 1 == waves.size() || ask_.soak == Milliseconds{0}) continue;
            Roster waiting = roster(fmt::format("soak-{}", i + 1), waves[i]);
            waiting.soak = ask_.soak;
            Step& soak = step(Phase::activate, waiting.step,
                              fmt::format("watch for {} that all stay in order", to_text(ask_.soak)),
                              waves[i], {"members.soak", waiting, {}, {}});
            soak.takes = ask_.soak;
        }
    }

    void commit()
    {
        Step& promise =
            step(Phase::commit, promise_step, "all promise to stay as they are until they are told",
                 everybody_, {"members.promise", roster(promise_step), {}, {}});
        promise.failure_aborts = true;
        promise.takes = Milliseconds{0};
        step(Phase::commit, commit_step, "all let the old go", everybody_,
             {"members.commit", roster(commit_step), by_hand(everybody_, "commit"), {}})
            .one_way = one_way_of(ask_);
    }

    void around()
    {
        Plan& plan = plan_.plan();
        operation::Gate gate{.name = "members",
                             .title = "all hosts answer, and none has gone back",
                             .question = {"members.in-order", roster("")},
                             .grace = ask_.grace,
                             .from = Phase::add};
        plan.gates.push_back(std::move(gate));
        plan.locks = {lock_of(roster_)};
        plan.fingerprints = {{"members.differences", roster("")}};
        plan.timer = roster_.timer;
        const auto name_each = [&](auto of, std::vector<std::string>& lines) {
            for (const MemberPlan& one : ask_.members) {
                for (const std::string& line : one.plan.*of)
                    lines.push_back(fmt::format("{}: {}", one.member.name, line));
            }
        };
        name_each(&Plan::left_by_abort, plan.left_by_abort);
        name_each(&Plan::topology, plan.topology);
        if (ask_.limit > 0)
            plan.topology.push_back(
                fmt::format("up to {} of the hosts may have been left out: they go back", ask_.limit));
    }

    SitePlanAsk ask_;
    PlanBuilder plan_;
    Roster roster_;
    Group everybody_;
};

}  // namespace

Result<Plan> make_site_plan(host::Host& host, SitePlanAsk ask)
{
    TRY(check_ask(ask));
    std::string rollout = TRY(new_rollout(host));
    return SitePlan(std::move(ask), std::move(rollout)).build();
}

}  // namespace belay::site
