// The time between activate and commit: the abort timer and the health gates.

#include "operation/toy_world.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

Plan gated(Milliseconds every, Milliseconds grace)
{
    Plan plan = small_plan();
    plan.gates = {{"healthy", "the service is healthy", file_is("health", "good"), every, grace}};
    plan.fingerprints.clear();
    return plan;
}

TEST_CASE("the timer's end aborts, not a moment earlier")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.pass(id, 2h - 1ms);
    CHECK(world.state(id) == State::activated);
    world.pass(id, 1ms);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("current") == "old");
}

TEST_CASE("a deadline that passed while the machine was off aborts at the next start")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.machine.power_cut(3h);
    world.start();
    world.serve(id);
    CHECK(world.state(id) == State::aborted);
}

TEST_CASE(
    "a wall clock that jumps by a year neither fires the timer nor loses it, told or not, and over a reboot")
{
    for (const Milliseconds jump : {24h * 365, -24h * 365}) {
        CAPTURE(jump.count());
        ToyWorld world;
        const Id id = world.activated(small_plan());
        world.pass(id, 30min);
        world.machine.shift_wall_clock(jump);
        REQUIRE(world.engine->clock_was_set());
        world.serve(id);
        CHECK(world.state(id) == State::activated);
        world.machine.power_cut(30min);
        world.start();
        CHECK(left_of(*world.operation(id).timer, *world.machine.now()) == 1h);
        world.machine.shift_wall_clock(-jump);
        world.pass(id, 59min);
        CHECK(world.state(id) == State::activated);
        world.pass(id, 1min);
        CHECK(world.state(id) == State::aborted);
    }
}

TEST_CASE("the timer can be stopped, restarted and extended, and what is left is kept")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.pass(id, 90min);
    REQUIRE(world.engine->change_timer(id, {TimerChange::What::stop}, anna));
    world.pass(id, 24h);
    CHECK(world.state(id) == State::activated);
    REQUIRE(world.engine->change_timer(id, {TimerChange::What::extend, 10min}, anna));
    REQUIRE(world.engine->change_timer(id, {TimerChange::What::restart}, anna));
    world.pass(id, 129min);
    CHECK(world.state(id) == State::activated);
    world.pass(id, 1min);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.engine->change_timer(id, {TimerChange::What::stop}, anna).error().kind == ErrorKind::refused);
}

TEST_CASE("a commit that comes after the timer has run out comes too late, though nobody had looked")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.machine.advance(2h);
    const auto late = world.engine->request(id, Verb::commit, anna);
    REQUIRE_FALSE(late);
    CHECK(late.error().what.find("it is aborting") != std::string::npos);
    CHECK(world.state(id) == State::aborting);  // and is shown so, before anybody goes on with it
    world.serve(id);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("old") == "precious");
}

TEST_CASE(
    "while it is held a timer is written down for each boot too, or it would trust the wall clock later")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].one_way = "the old firmware is gone";
    world.put_file("/break/apply/current", "1");
    const Id id = world.activated(plan);
    REQUIRE(world.state(id) == State::held);
    world.machine.power_cut(30min);
    world.start();
    REQUIRE(world.engine->request(id, Verb::activate, anna));
    world.machine.shift_wall_clock(24h * 365);
    world.start();
    world.serve(id);
    CHECK(world.state(id) == State::activated);
}

TEST_CASE("a gate that is broken for less than its grace is forgiven")
{
    ToyWorld world;
    world.put_file("/etc/health", "good");
    const Id id = world.activated(gated(10s, 30s));
    world.put_file("/etc/health", "bad");
    world.pass(id, 25s);
    CHECK(world.state(id) == State::activated);
    CHECK(world.engine->show(id)->gates.at(0).finding.verdict == Verdict::fail);
    CHECK(world.engine->show(id)->gates.at(0).broken_for >= 10s);
    world.put_file("/etc/health", "good");
    world.pass(id, 10min);
    CHECK(world.state(id) == State::activated);
    CHECK_FALSE(world.engine->show(id)->gates.at(0).broken_for);
}

TEST_CASE("a gate that is broken for longer than its grace aborts, and names what was found")
{
    ToyWorld world;
    world.put_file("/etc/health", "good");
    const Id id = world.activated(gated(10s, 30s));
    world.put_file("/etc/health", "bad");
    world.pass(id, 41s);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.operation(id).reason.find("the gate healthy was broken for 30 s: bad") != std::string::npos);
}

TEST_CASE("a gate that will not hold again by itself is not waited for")
{
    ToyWorld world;
    world.catalogue.add_condition("toy.gone", [](host::Host& host, const Json&) -> Result<Finding> {
        if (host.read("/etc/health")) return Finding{.found = "there"};
        return Finding{.verdict = Verdict::fail, .found = "gone for good", .is_final = true};
    });
    world.put_file("/etc/health", "good");
    Plan plan = gated(10s, 30min);
    plan.gates.front().question = {"toy.gone", {}};
    const Id id = world.activated(plan);
    world.pass(id, 1min);
    REQUIRE(world.state(id) == State::activated);
    world.machine.change([](host::Machine& m) { m.erase("/etc/health"); });
    world.pass(id, 11s);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.operation(id).reason.find("gone for good") != std::string::npos);
}

TEST_CASE("what is slow to answer a gate rests for as long as it took, but no longer than the gate's turn")
{
    for (const auto& [takes, begins] :
         {std::pair{1s, 10s}, std::pair{6s, 12s}, std::pair{10s, 20s}, std::pair{15s, 25s}}) {
        ToyWorld world;
        std::vector<Milliseconds> asked;
        world.catalogue.add_condition("toy.slow", [&](host::Host& host, const Json&) -> Result<Finding> {
            asked.push_back(TRY(host.now()).boot);
            world.machine.advance(takes);
            return Finding{.found = "there"};
        });
        world.put_file("/etc/health", "good");
        Plan plan = gated(10s, 30min);
        plan.gates.front().question = {"toy.slow", {}};
        const Id id = world.activated(plan);
        world.pass(id, 2min);
        REQUIRE(asked.size() >= 3);
        CHECK(asked[2] - asked[1] == begins);
    }
}

TEST_CASE("a gate whose question cannot be answered is broken")
{
    ToyWorld world;
    world.put_file("/etc/health", "good");
    const Id id = world.activated(gated(10s, 30s));
    world.machine.change([](host::Machine& m) { m.erase("/etc/health"); });
    world.pass(id, 1min);
    CHECK(world.state(id) == State::aborted);
}

TEST_CASE("a one-shot does not commit while a gate is broken")
{
    ToyWorld world;
    world.put_file("/etc/health", "bad");
    const Id id = world.keep(gated(10s, 1min), {.wanted = true, .soak = 20s});
    REQUIRE(world.ask(id, Verb::add));
    world.pass(id, 40s);
    CHECK(world.state(id) == State::activated);
    world.put_file("/etc/health", "good");
    world.pass(id, 10s);
    CHECK(world.state(id) == State::committed);
}

}  // namespace
}  // namespace belay::operation
