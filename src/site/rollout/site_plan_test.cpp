#include "site/rollout/site_plan.h"

#include "host/simulated.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using operation::Phase;
using operation::Plan;
using operation::Step;
using Strings = std::vector<std::string>;

MemberPlan member_plan(size_t number, std::string role = "")
{
    MemberPlan member{.member = {fmt::format("{}", number), fmt::format("web{}", number)},
                      .role = std::move(role)};
    member.plan.procedure = "toy.change";
    member.plan.timer = 20min;
    member.plan.left_by_abort = {"a log line"};
    member.plan.steps = {{.name = "new",
                          .title = "",
                          .phase = Phase::add,
                          .action = "toy.put",
                          .takes = std::chrono::seconds(number)},
                         {.name = "old",
                          .title = "",
                          .phase = Phase::commit,
                          .action = "toy.put",
                          .one_way = "the old is gone"}};
    return member;
}

SitePlanAsk ask_for(size_t hosts)
{
    SitePlanAsk ask{.site = "branch-3", .procedure = "toy.change", .title = "Change the toys"};
    for (size_t i = 1; i <= hosts; ++i) ask.members.push_back(member_plan(i));
    return ask;
}

Plan plan_of(SitePlanAsk ask)
{
    host::SimulatedHost host;
    return make_site_plan(host, std::move(ask)).value();
}

/// The steps by name, each with whom it is about.
Strings steps_of(const Plan& plan)
{
    Strings lines;
    for (const Step& step : plan.steps)
        lines.push_back(
            fmt::format("{}: {}", step.name, fmt::join(step.arguments.at("group").get<Strings>(), " ")));
    return lines;
}

TEST_CASE("all prepare, one is switched, then a tenth, then the rest; all promise, all let the old go")
{
    const Plan plan = plan_of(ask_for(12));
    CHECK(steps_of(plan) == Strings{"add: ", "wave-1: 1", "soak-1: 1", "wave-2: 2 3", "soak-2: 2 3",
                                    "wave-3: 4 5 6 7 8 9 10 11 12", "promise: ", "commit: "});
    CHECK(plan.steps[0].member == "web1, web2, web3, web4, web5, web6, web7, web8, web9, web10 and 2 more");
    CHECK(plan.steps[0].takes == 12s);
    CHECK(plan.steps[1].commands == Strings{"web1: belay activate N"});
    CHECK(plan.steps[1].undo_commands == Strings{"web1: belay abort N"});
    CHECK(plan.steps[6].failure_aborts);
    CHECK(plan.steps[7].one_way ==
          "the first host that lets the old go has no way back to the others: the old is gone");
    CHECK(plan.left_by_abort.at(3) == "web4: a log line");
    CHECK(plan.gates.at(0).from == Phase::add);
    CHECK(validate(plan));
}

TEST_CASE("what is done between waves stands where it is asked for, also before the first one")
{
    SitePlanAsk ask = ask_for(2);
    ask.waves = {1, 1};
    ask.soak = 0s;
    const auto move = [](const char* name) {
        return Step{.name = name,
                    .title = "",
                    .phase = Phase::activate,
                    .action = "toy.put",
                    .arguments = {{"group", Strings{"x"}}}};
    };
    ask.between = {{0, {move("first")}}, {1, {move("then"), move("too")}}};
    CHECK(steps_of(plan_of(ask)) == Strings{"add: ", "first: x", "wave-1: 1", "then: x", "too: x",
                                            "wave-2: 2", "promise: ", "commit: "});
}

TEST_CASE("waves as they are asked for, in the order of the hosts; the rest follow together")
{
    SitePlanAsk ask = ask_for(4);
    ask.members.front().role = "standby";
    ask.waves = {2, 1};
    ask.soak = 0s;
    const Plan plan = plan_of(ask);
    CHECK(steps_of(plan) ==
          Strings{"add: ", "wave-1: 1 2", "wave-2: 3", "wave-3: 4", "promise: ", "commit: "});
    CHECK(plan.steps[1].member == "web1 (standby), web2");
    ask.waves = {4};
    CHECK(steps_of(plan_of(ask)) == Strings{"add: ", "wave-1: 1 2 3 4", "promise: ", "commit: "});
    CHECK(steps_of(plan_of(ask_for(1))) == Strings{"add: ", "wave-1: 1", "promise: ", "commit: "});
}

TEST_CASE("the hosts' own deadlines come a little after the operation's")
{
    const Plan plan = plan_of(ask_for(2));
    CHECK(plan.timer == 20min);
    CHECK(plan.steps[0].arguments.at("plans").at("1").at("timer_ms") == Milliseconds(21min).count());
    SitePlanAsk ask = ask_for(2);
    ask.timer = 5min;
    CHECK(plan_of(ask).timer == 5min);
    CHECK(plan_of(ask).steps[0].arguments.at("plans").at("2").at("timer_ms") == Milliseconds(6min).count());
}

TEST_CASE("what each host's checks found is shown by host, and refuses the whole where it failed")
{
    SitePlanAsk ask = ask_for(2);
    ask.members[1].findings = {
        {"a.b", "it is so", {operation::Verdict::pass, "yes"}},
        {"disk.unused", "nothing uses it", {operation::Verdict::fail, "a mount", "nothing", "umount /x"}}};
    const Plan plan = plan_of(ask);
    CHECK(plan.checks.at(1).question.arguments.at("verdict") == "pass");
    const operation::Check& said = plan.checks.at(2);
    CHECK(said.code == "member.web2");
    CHECK_FALSE(said.again);
    CHECK(said.question.arguments.at("found") == "nothing uses it (disk.unused): a mount");
    CHECK(said.question.arguments.at("mend") == "on web2: umount /x");
    CHECK(said.question.arguments.at("verdict") == "fail");
}

TEST_CASE("two plans for the same hosts are never taken for each other")
{
    host::SimulatedHost host;
    CHECK(make_site_plan(host, ask_for(2))->locks != make_site_plan(host, ask_for(2))->locks);
}

TEST_CASE("what cannot be carried out is refused with what is wrong")
{
    host::SimulatedHost host;
    const auto refused = [&](SitePlanAsk ask, std::string_view part) {
        const auto plan = make_site_plan(host, std::move(ask));
        REQUIRE_FALSE(plan);
        CHECK(plan.error().kind == ErrorKind::usage);
        CHECK_MESSAGE(plan.error().what.find(part) != std::string::npos, plan.error().what);
    };
    refused(ask_for(0), "at least one host");
    refused(ask_for(most_members + 1), "1000 at most");
    SitePlanAsk ask = ask_for(3);
    ask.members[2].member = ask.members[0].member;
    refused(ask, "the host web1 stands there twice");
    ask = ask_for(3);
    ask.limit = 3;
    refused(ask, "would let all 3 hosts fail");
    ask = ask_for(3);
    ask.members[1].plan.steps[0].one_way = "because";
    refused(ask, "web2: the step new cannot be undone before commit (because)");
    ask = ask_for(3);
    ask.waves = {1, 0};
    refused(ask, "a wave has at least one host");
    ask = ask_for(3);
    ask.members[0].plan.steps[0].arguments = {{"text", std::string(4 << 20, 'x')}};
    refused(ask, "together 4");
}

TEST_CASE("the key of a part is read as it was written, and nothing else is one")
{
    const PartKey key{"branch/3", "7", "abc", "12"};
    const PartKey back = part_key_in(text_of(key)).value();
    CHECK(back.site == "branch/3");
    CHECK(back.operation == "7");
    CHECK(back.rollout == "abc");
    CHECK(back.member == "12");
    for (const char* text : {"", "a", "a/b/c", "/a/b/c", "a//b/c", "a/b/c/"})
        CHECK(part_key_in(text).error().kind == ErrorKind::corrupt);
}

}  // namespace
}  // namespace belay::site
