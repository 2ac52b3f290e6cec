// The engine from plan to commit and back, with nothing going wrong but what the plan itself meets.

#include "operation/toy_world.h"

#include <doctest/doctest.h>
#include <future>

namespace belay::operation {
namespace {

using Strings = std::vector<std::string>;

TEST_CASE("a change goes from plan to commit, and the journal tells it in order")
{
    ToyWorld world;
    const Id id = world.keep(small_plan());
    CHECK(world.state(id) == State::planned);
    REQUIRE(world.ask(id, Verb::add));
    CHECK(world.state(id) == State::added);
    CHECK(world.etc("new") == "prepared");
    CHECK(world.etc("current") == "old");
    REQUIRE(world.ask(id, Verb::activate));
    CHECK(world.state(id) == State::activated);
    CHECK(world.etc("current") == "new");
    CHECK(world.etc("old") == "precious");
    REQUIRE(world.ask(id, Verb::commit));
    CHECK(world.state(id) == State::committed);
    CHECK(world.etc("old") == "gone");
    CHECK(world.events(id) == Strings{"planned", "checked", "state adding", "intent new", "outcome new",
                                      "state added", "checked", "timer", "state activating", "intent current",
                                      "outcome current", "state activated", "state committing", "intent old",
                                      "outcome old", "state committed"});
    CHECK_FALSE(world.store.get("lock/toy:1").value());
}

TEST_CASE("an abort from any state before the commit leaves the world as it was, and has looked")
{
    for (const int verbs : {0, 1, 2}) {
        CAPTURE(verbs);
        ToyWorld world;
        const auto before = world.machine.machine().nodes;
        const Id id = world.keep(small_plan());
        if (verbs > 0) REQUIRE(world.ask(id, Verb::add));
        if (verbs > 1) REQUIRE(world.ask(id, Verb::activate));
        REQUIRE(world.ask(id, Verb::abort));
        CHECK(world.state(id) == State::aborted);
        CHECK(world.operation(id).verified);
        CHECK(world.operation(id).differences.empty());
        CHECK(world.machine.machine().nodes == before);
        CHECK(world.commands_on(id).empty());
    }
}

TEST_CASE("all checks run and none stops the list; the refusal names those that fail, and how to mend")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.checks = {{"toy.first", "the first", file_is("current", "other")},
                   {"toy.second", "the second", file_is("current", "old")},
                   {"toy.third", "the third", file_is("missing", "x")},
                   {"toy.fourth", "the fourth", file_is("old", "other")}};
    const auto findings = world.engine->check(plan).value();
    REQUIRE(findings.size() >= 4);
    CHECK(findings[0].finding.verdict == Verdict::fail);
    CHECK(findings[1].finding.verdict == Verdict::pass);
    CHECK(findings[2].finding.verdict == Verdict::fail);
    CHECK(findings[3].finding.verdict == Verdict::fail);
    const auto kept = world.engine->keep(plan, anna);
    REQUIRE_FALSE(kept);
    CHECK(kept.error().kind == ErrorKind::refused);
    for (const char* code : {"toy.first", "toy.third", "toy.fourth"})
        CHECK(kept.error().what.find(code) != std::string::npos);
    CHECK(kept.error().what.find("toy.second") == std::string::npos);
    CHECK(kept.error().next == "put it there");
    CHECK(world.engine->all().value().empty());
    CHECK(world.engine->audit().value().size() == 1);
}

TEST_CASE("who looks at an operation waits for nobody: its own checks may ask somebody who looks")
{
    ToyWorld world;
    std::vector<std::future<State>> looks;
    Id looked_at;
    world.catalogue.add_condition("toy.seen", [&](host::Host&, const Json&) -> Result<Finding> {
        if (looked_at.empty()) return Finding{Verdict::pass, "nothing is there yet"};
        looks.push_back(
            std::async(std::launch::async, [&] { return world.engine->show(looked_at)->operation.state; }));
        const bool came = looks.back().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
        return Finding{came ? Verdict::pass : Verdict::fail, came ? "seen" : "nobody could look"};
    });
    Plan plan = small_plan();
    plan.checks = {{"toy.seen", "somebody looks", {"toy.seen", Json::object()}}};
    const Id id = world.keep(plan);
    world.start();
    looked_at = id;
    REQUIRE(world.ask(id, Verb::add));
    REQUIRE(world.ask(id, Verb::activate));
    CHECK(looks.size() == 2);
}

TEST_CASE("checks run again before activate, but for those that need not")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.checks = {{"toy.again", "still so", file_is("old", "precious"), true},
                   {"toy.once", "was so", file_is("current", "old"), false}};
    const Id id = world.keep(plan);
    REQUIRE(world.ask(id, Verb::add));
    world.put_file("/etc/old", "changed");
    const auto refused = world.ask(id, Verb::activate);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("toy.again") != std::string::npos);
    CHECK(world.state(id) == State::added);
    world.put_file("/etc/old", "precious");
    world.put_file("/etc/current", "something");
    CHECK(world.ask(id, Verb::activate));
}

TEST_CASE("too little room is a check that fails")
{
    ToyWorld world;
    world.machine.change([](host::Machine& m) { m.room.free = Bytes{100}; });
    Plan plan = small_plan();
    plan.room = {{"/etc", Bytes{4096}}};
    CHECK(world.engine->keep(plan, anna).error().what.find("room") != std::string::npos);
    plan.room = {{"/etc", Bytes{64}}};
    CHECK(world.engine->keep(plan, anna));
}

TEST_CASE("a host that was changed since the plan was made is not touched")
{
    ToyWorld world;
    const Id id = world.keep(small_plan());
    world.put_file("/etc/current", "changed by hand");
    const auto refused = world.ask(id, Verb::add);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::refused);
    CHECK(refused.error().what.find("changed by hand") != std::string::npos);
    CHECK(world.state(id) == State::planned);
    CHECK(world.etc("new") == "-");
    CHECK(world.ask(id, Verb::abort));
}

TEST_CASE("one operation a resource: the second is refused, and told who holds it")
{
    ToyWorld world;
    const Id first = world.keep(small_plan());
    const Id second = world.keep(small_plan());
    REQUIRE(world.ask(first, Verb::add));
    const auto refused = world.ask(second, Verb::add);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::busy);
    CHECK(refused.error().what.find("operation 1") != std::string::npos);
    REQUIRE(world.ask(first, Verb::abort));
    CHECK(world.ask(second, Verb::add));
}

TEST_CASE("what was there before we came is not undone")
{
    ToyWorld world;
    world.put_file("/etc/new", "prepared");
    const Id id = world.activated(small_plan());
    CHECK(world.operation(id).steps[0].status == StepState::Status::already);
    REQUIRE(world.ask(id, Verb::abort));
    CHECK(world.etc("new") == "prepared");
    CHECK(world.etc("current") == "old");
}

TEST_CASE("before each step it is asked whether these are still the same things")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].identity = {file_is("old", "precious")};
    const Id id = world.keep(plan);
    REQUIRE(world.ask(id, Verb::add));
    world.put_file("/etc/old", "another disk");
    REQUIRE(world.ask(id, Verb::activate));
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("current") == "old");
    CHECK(world.operation(id).reason.find("not what was planned for") != std::string::npos);
    CHECK(world.operation(id).differences == Strings{"old: was precious, is another disk"});
}

TEST_CASE("a world that is not as the plan promised goes back by itself")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].expects = {file_is("old", "follows")};
    const Id id = world.activated(plan);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("current") == "old");
    CHECK(world.etc("new") == "-");
    CHECK(world.operation(id).steps[1].error->what.find("wanted follows") != std::string::npos);
}

TEST_CASE("what a verb cannot do is refused with the commands that lead on, and is in the audit trail")
{
    ToyWorld world;
    const Id id = world.keep(small_plan());
    const auto refused = world.ask(id, Verb::commit);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::refused);
    CHECK(refused.error().next == "belay add 1 or belay abort 1");
    const auto trail = world.engine->audit().value();
    CHECK(trail.back().at("verb") == "commit");
    CHECK(trail.back().at("who") == "anna");
    CHECK(trail.back().at("answer").get<std::string>().find("it is planned") != std::string::npos);
    CHECK(world.ask("77", Verb::add).error().kind == ErrorKind::not_found);
}

TEST_CASE("a one-shot goes from add to commit without asking, after its soak")
{
    ToyWorld world;
    const Id quick = world.keep(small_plan(), {.wanted = true});
    REQUIRE(world.ask(quick, Verb::add));
    CHECK(world.state(quick) == State::committed);

    ToyWorld other;
    const Id slow = other.keep(small_plan(), {.wanted = true, .soak = 10min});
    REQUIRE(other.ask(slow, Verb::add));
    CHECK(other.state(slow) == State::activated);
    other.pass(slow, 9min);
    CHECK(other.state(slow) == State::activated);
    other.pass(slow, 2min);
    CHECK(other.state(slow) == State::committed);
}

TEST_CASE("cleaning drops what abort would have needed, and plans that were forgotten; first it only says so")
{
    ToyWorld world;
    const Id done = world.activated(small_plan());
    REQUIRE(world.ask(done, Verb::commit));
    world.put_file("/etc/current", "old");
    world.put_file("/etc/old", "precious");
    world.machine.change([](host::Machine& m) { m.erase("/etc/new"); });
    const Id forgotten = world.keep(small_plan());
    CHECK(world.engine->clean(false, anna).value().removed.size() == 1);
    world.machine.advance(25h);
    CHECK(world.engine->clean(true, anna).value().removed.size() == 1);
    CHECK(world.state(forgotten) == State::planned);
    CHECK(world.engine->clean(false, anna).value().removed.size() == 1);
    CHECK(world.state(forgotten) == State::aborted);
    CHECK(world.engine->clean(false, anna).value().removed.empty());
}

}  // namespace
}  // namespace belay::operation
