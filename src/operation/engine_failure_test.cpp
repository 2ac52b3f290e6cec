// What the engine does when steps fail, when the process dies, and when the journal cannot be written.

#include "operation/toy_world.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

using Strings = std::vector<std::string>;
using Fault = store::MemoryStore::Fault;

TEST_CASE("a failure before commit goes back by itself, and what it half did is undone")
{
    ToyWorld world;
    world.put_file("/break/apply/current", "1");
    const Id id = world.activated(small_plan());
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("current") == "old");
    CHECK(world.etc("new") == "-");
    CHECK(world.operation(id).reason.find("the step current failed: cannot apply current") !=
          std::string::npos);
}

TEST_CASE("a failure in commit is tried again, a little later each time")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.put_file("/break/apply/old", "2");
    REQUIRE(world.ask(id, Verb::commit));
    CHECK(world.state(id) == State::committing);
    world.pass(id, 1s);
    CHECK(world.state(id) == State::committing);
    world.pass(id, 1999ms);
    CHECK(world.state(id) == State::committing);
    world.pass(id, 1ms);
    CHECK(world.state(id) == State::committed);
}

TEST_CASE("a commit that fails again and again is held, and commit leads on when it is mended")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.put_file("/break/apply/old", "99");
    REQUIRE(world.ask(id, Verb::commit));
    world.pass(id, 1min);
    CHECK(world.state(id) == State::held);
    CHECK(world.operation(id).held_in == State::committing);
    CHECK(world.commands_on(id) == Strings{"belay commit 1", "belay abort 1", "belay clear 1"});
    CHECK(world.ask(id, Verb::activate).error().what.find("held while committing") != std::string::npos);
    world.put_file("/break/apply/old", "0");
    REQUIRE(world.ask(id, Verb::commit));
    CHECK(world.state(id) == State::committed);
}

TEST_CASE("an abort that fails again and again is held, and abort leads on when it is mended")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.put_file("/break/revert/current", "99");
    REQUIRE(world.ask(id, Verb::abort));
    world.pass(id, 1min);
    CHECK(world.state(id) == State::held);
    CHECK(world.commands_on(id) == Strings{"belay abort 1", "belay clear 1"});
    CHECK(world.store.get("lock/toy:1").value());
    world.put_file("/break/revert/current", "0");
    REQUIRE(world.ask(id, Verb::abort));
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("current") == "old");
}

TEST_CASE("what can go neither way is cleared: it says what is left, and frees its locks")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.put_file("/break/revert/current", "99");
    REQUIRE(world.ask(id, Verb::abort));
    world.pass(id, 1min);
    REQUIRE(world.ask(id, Verb::clear));
    const Operation operation = world.operation(id);
    CHECK(operation.state == State::aborted);
    CHECK(operation.cleared);
    CHECK(operation.left_behind == Strings{"new: the new text", "current: the new text"});
    CHECK(operation.differences == Strings{"current: was old, is new", "new: was not there, is prepared"});
    CHECK_FALSE(world.store.get("lock/toy:1").value());
}

TEST_CASE("past a one-way step nothing goes back: it is held, and activate leads on")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].one_way = "the old firmware is gone";
    world.put_file("/break/apply/current", "1");
    const Id id = world.activated(plan);
    CHECK(world.state(id) == State::held);
    CHECK(world.commands_on(id) == Strings{"belay activate 1", "belay clear 1"});
    CHECK(world.ask(id, Verb::abort).error().what.find("the old firmware is gone") != std::string::npos);
    REQUIRE(world.ask(id, Verb::activate));
    CHECK(world.state(id) == State::activated);
}

TEST_CASE("a one-way step that was not begun is no reason to be held")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].one_way = "the old firmware is gone";
    plan.steps[1].identity = {file_is("old", "another")};
    CHECK(world.state(world.activated(plan)) == State::aborted);
}

TEST_CASE("a timer that runs out past a one-way step holds, in the soak, and commit leads on")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].one_way = "the old firmware is gone";
    const Id id = world.activated(plan);
    world.pass(id, 2h);
    CHECK(world.state(id) == State::held);
    CHECK(world.commands_on(id) == Strings{"belay commit 1", "belay clear 1"});
    REQUIRE(world.ask(id, Verb::commit));
    CHECK(world.state(id) == State::committed);
}

TEST_CASE("a timer that runs out past a one-way step holds, and activate gives it its time again")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].one_way = "the old firmware is gone";
    plan.steps.insert(plan.steps.begin() + 2, put(Phase::activate, "sync", "done", "toy.job"));
    plan.steps[2].stalled_after = 24h;
    const Id id = world.activated(plan);
    world.pass(id, 2h);
    CHECK(world.state(id) == State::held);
    REQUIRE(world.ask(id, Verb::activate));
    CHECK(world.state(id) == State::activating);
    world.pass(id, 1h);
    CHECK(world.state(id) == State::activating);
    world.put_file("/etc/sync", "done");
    world.machine.change([](host::Machine& m) { m.erase("/job/sync"); });
    world.pass(id, 1s);
    CHECK(world.state(id) == State::activated);
}

TEST_CASE("a long step that moves is waited for; one that stands still fails")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps.insert(plan.steps.begin() + 2, put(Phase::activate, "sync", "done", "toy.job"));
    plan.steps[2].stalled_after = 5min;
    const Id id = world.activated(plan);
    for (const char* done : {"10", "20", "30"}) {
        world.pass(id, 4min);
        CHECK(world.state(id) == State::activating);
        world.put_file("/job/sync", done);
    }
    CHECK(world.engine->show(id)->progress->total == 100);
    world.pass(id, 6min);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.operation(id).reason.find("no progress for 5 min") != std::string::npos);
    CHECK(world.machine.read("/job/sync", {16}).error().kind == ErrorKind::not_found);
}

TEST_CASE("a way back that takes long is waited for, over a crash too; one that stands still is held")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1] = put(Phase::activate, "current", "new", "toy.slow-back");
    const Id id = world.activated(plan);
    REQUIRE(world.ask(id, Verb::abort));
    CHECK(world.state(id) == State::aborting);
    world.put_file("/back/current", "40");
    world.pass(id, 5s);
    CHECK(world.engine->show(id)->progress->done == 40);
    CHECK(world.engine->show(id)->current == 1);
    SUBCASE("it comes to its end")
    {
        world.start();
        world.pass(id, 5s);
        CHECK(world.state(id) == State::aborting);
        CHECK(world.etc("new") == "prepared");
        world.put_file("/back/current", "100");
        world.pass(id, 5s);
        CHECK(world.state(id) == State::aborted);
        CHECK(world.etc("current") == "old");
    }
    SUBCASE("it stands still")
    {
        world.pass(id, 1h);
        CHECK(world.state(id) == State::held);
        CHECK(world.operation(id).reason.find("has made no progress for 10 min") != std::string::npos);
        world.put_file("/back/current", "100");
        REQUIRE(world.ask(id, Verb::abort));
        world.pass(id, 5s);
        CHECK(world.state(id) == State::aborted);
    }
}

TEST_CASE("a crash at any commit, durable or not, ends as no crash does")
{
    for (const Fault fault : {Fault::lost_before, Fault::lost_after}) {
        for (int at = 1; at < 40; ++at) {
            CAPTURE(at);
            ToyWorld world;
            int commits = 0;
            world.store.set_fault_hook(
                [&](const store::Transaction&) { return ++commits == at ? fault : Fault::none; });
            Id id = "1";
            const auto insist = [&](auto act, auto reached) {
                for (int tries = 0; tries < 5; ++tries) {
                    act();
                    if (world.store.dead()) world.start();
                    if (world.engine->unfinished()->empty() && !reached()) continue;
                    world.serve(id);
                    if (world.store.dead()) world.start();
                    world.serve(id);
                    if (reached()) return;
                }
            };
            const auto is = [&](State state) {
                return [&world, &id, state] {
                    return !world.engine->all()->empty() && world.state(id) == state;
                };
            };
            insist([&] { static_cast<void>(world.engine->keep(small_plan(), anna).has_value()); },
                   is(State::planned));
            for (const auto& [verb, reached] :
                 {std::pair{Verb::add, State::added}, std::pair{Verb::activate, State::activated},
                  std::pair{Verb::commit, State::committed}})
                insist([&] { static_cast<void>(world.engine->request(id, verb, anna).has_value()); },
                       is(reached));
            CHECK(world.state(id) == State::committed);
            CHECK(world.etc("old") == "gone");
            if (commits < at) break;
        }
    }
}

TEST_CASE("what may not be done twice is not begun again after a crash: it goes back")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].action = "toy.once";
    const Id id = world.keep(plan);
    REQUIRE(world.ask(id, Verb::add));
    REQUIRE(world.engine->request(id, Verb::activate, anna));
    world.store.set_fault_hook([](const store::Transaction&) { return Fault::lost_after; });
    CHECK(world.engine->step(id).error().kind == ErrorKind::dead);
    world.store.set_fault_hook({});
    world.start();
    world.serve(id);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("current") == "old");
    CHECK(world.operation(id).reason.find("may not be done twice") != std::string::npos);
}

TEST_CASE("while the journal is full nothing acts, the answer says so, and later it goes on")
{
    ToyWorld world;
    const Id id = world.keep(small_plan());
    REQUIRE(world.engine->request(id, Verb::add, anna));
    world.fill_store(true);
    CHECK(world.engine->step(id).error().kind == ErrorKind::no_space);
    CHECK(world.engine->step(id).error().kind == ErrorKind::no_space);
    CHECK(world.etc("new") == "-");
    CHECK(world.engine->request(id, Verb::abort, anna).error().kind == ErrorKind::no_space);
    CHECK(world.state(id) == State::adding);
    world.fill_store(false);
    world.serve(id);
    CHECK(world.state(id) == State::added);
}

TEST_CASE("a full journal keeps nobody from starting and looking")
{
    ToyWorld world;
    const Id id = world.activated(small_plan());
    world.machine.power_cut(30min);
    world.fill_store(true);
    world.start();
    CHECK(world.state(id) == State::activated);
    CHECK_FALSE(world.engine->step(id));
    world.fill_store(false);
    world.serve(id);
    CHECK(world.operation(id).timer->boot_id == world.machine.now()->boot_id);
}

}  // namespace
}  // namespace belay::operation
