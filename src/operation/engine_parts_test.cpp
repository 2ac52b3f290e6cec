// Parts of site operations on their host: adopted once, with a deadline from add on, and the promise.

#include "operation/toy_world.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

const Part seventh{"branch-3/7/abc/4", "branch-3", "7"};

Plan watched_plan(Phase from = Phase::activate)
{
    Plan plan = small_plan();
    plan.gates = {{"healthy", "the service is healthy", file_is("health", "good"), 10s, 30s, from}};
    plan.fingerprints.clear();
    return plan;
}

Id adopted(ToyWorld& world, const Plan& plan = small_plan())
{
    const auto operation = world.engine->adopt(plan, seventh, anna);
    INVARIANT(operation);
    return operation->id;
}

Id activated_part(ToyWorld& world, const Plan& plan = small_plan())
{
    const Id id = adopted(world, plan);
    INVARIANT(world.ask(id, Verb::add));
    INVARIANT(world.ask(id, Verb::activate));
    return id;
}

TEST_CASE("a part is adopted once for its key, however often and by whichever process it is asked for")
{
    ToyWorld world;
    const Id id = adopted(world);
    CHECK(adopted(world) == id);
    world.start();
    CHECK(adopted(world) == id);
    CHECK(world.engine->all()->size() == 1);
    CHECK(world.engine->adopted(seventh.key).value()->operation == id);
    CHECK(world.operation(id).part == seventh);
    CHECK(Json(world.engine->show(id).value()).at("part").at("operation") == "7");
    // Also when it has come to its end meanwhile.
    REQUIRE(world.ask(id, Verb::abort));
    CHECK(world.engine->adopt(small_plan(), seventh, anna)->state == State::aborted);
}

TEST_CASE("another plan, or another operation, under the same key is refused")
{
    ToyWorld world;
    adopted(world);
    Plan other = small_plan();
    other.steps.front().title = "something else";
    CHECK(world.engine->adopt(other, seventh, anna).error().kind == ErrorKind::refused);
    Part eighth = seventh;
    eighth.operation = "8";
    CHECK(world.engine->adopt(small_plan(), eighth, anna).error().kind == ErrorKind::refused);
    for (const std::string& key : {std::string(), std::string("a b"), std::string(201, 'k')})
        CHECK(world.engine->adopt(small_plan(), {key, "s", "1"}, anna).error().kind == ErrorKind::usage);
    CHECK(world.engine->all()->size() == 1);
}

TEST_CASE("a plan that could not go back before its commit, or would after, is no part")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps[1].one_way = "the old firmware is gone";
    CHECK(world.engine->adopt(plan, seventh, anna)
              .error()
              .what.starts_with("the step current cannot be undone before commit"));
    plan = small_plan();
    plan.steps[2].failure_aborts = true;
    CHECK(world.engine->adopt(plan, seventh, anna)
              .error()
              .what.starts_with("the step old of commit goes back"));
    CHECK(world.engine->all()->empty());
}

TEST_CASE("a part that was given up before it came is refused when it comes")
{
    ToyWorld world;
    REQUIRE(world.engine->give_up(seventh.key, anna));
    CHECK_FALSE(world.engine->adopted(seventh.key).value()->operation);
    CHECK(world.engine->adopt(small_plan(), seventh, anna).error().what.find("given up") !=
          std::string::npos);
    CHECK(world.engine->give_up(seventh.key, anna).error().kind == ErrorKind::busy);
    CHECK(world.engine->all()->empty());
}

TEST_CASE("a part whose checks fail is not adopted, and may be asked for again")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.checks = {{"healthy", "it is healthy", file_is("health", "good"), true}};
    CHECK(world.engine->adopt(plan, seventh, anna).error().kind == ErrorKind::refused);
    world.put_file("/etc/health", "good");
    CHECK(world.engine->adopt(plan, seventh, anna));
}

TEST_CASE("the timer of a part runs from add on, and goes back from each state before commit")
{
    ToyWorld prepared;
    const Id first = adopted(prepared);
    REQUIRE(prepared.ask(first, Verb::add));
    prepared.pass(first, 2h - 1ms);
    CHECK(prepared.state(first) == State::added);
    prepared.pass(first, 1ms);
    CHECK(prepared.state(first) == State::aborted);
    CHECK(prepared.etc("new") == "-");

    ToyWorld adding;
    Plan slow = small_plan();
    slow.steps.front().action = "toy.job";
    slow.steps.front().stalled_after = 24h;
    const Id second = adopted(adding, slow);
    REQUIRE(adding.ask(second, Verb::add));
    adding.pass(second, 2h);
    CHECK(adding.state(second) == State::aborted);

    ToyWorld switched;
    const Id third = adopted(switched);
    REQUIRE(switched.ask(third, Verb::add));
    switched.pass(third, 1h);
    REQUIRE(switched.ask(third, Verb::activate));
    switched.pass(third, 1h - 1ms);
    CHECK(switched.state(third) == State::activated);
    switched.pass(third, 1ms);
    CHECK(switched.state(third) == State::aborted);
    CHECK(switched.etc("current") == "old");
}

TEST_CASE(
    "a deadline that passed unseen is kept: an activate that comes later is refused, over a power cut too")
{
    ToyWorld world;
    const Id id = adopted(world);
    REQUIRE(world.ask(id, Verb::add));
    world.machine.power_cut(3h);
    world.start();
    CHECK(world.engine->request(id, Verb::activate, anna).error().what.find("it is aborting") !=
          std::string::npos);
    world.serve(id);
    CHECK(world.state(id) == State::aborted);
}

TEST_CASE("an operation of this host alone waits in added for ever, as before")
{
    ToyWorld world;
    const Id id = world.keep(small_plan());
    REQUIRE(world.ask(id, Verb::add));
    world.pass(id, 24h * 30);
    CHECK(world.state(id) == State::added);
    for (const auto& answer : {world.engine->promise(id, anna), world.engine->release(id, 1h, anna),
                               world.engine->keep_going(id, 1h, anna)})
        CHECK(answer.error().what == "operation 1 is no part of a site operation");
}

TEST_CASE("a part is kept going as long as its site speaks, and a person may change its timer too")
{
    ToyWorld world;
    const Id id = adopted(world);
    REQUIRE(world.ask(id, Verb::add));
    world.pass(id, 90min);
    REQUIRE(world.engine->keep_going(id, 1h, anna));
    const size_t records = world.engine->records(id)->size();
    REQUIRE(world.engine->keep_going(id, 1h, anna));
    CHECK(world.engine->records(id)->size() == records);  // nothing to write
    world.pass(id, 1h - 1ms);
    CHECK(world.state(id) == State::added);
    REQUIRE(world.engine->change_timer(id, {TimerChange::What::extend, 5min}, anna));
    world.pass(id, 5min);
    CHECK(world.state(id) == State::added);
    world.pass(id, 1ms);
    CHECK(world.state(id) == State::aborted);
}

TEST_CASE("what has promised no longer aborts by itself, neither by its timer nor by a gate, over restarts")
{
    ToyWorld world;
    world.put_file("/etc/health", "good");
    const Id id = activated_part(world, watched_plan());
    REQUIRE(world.engine->promise(id, anna));
    REQUIRE(world.engine->promise(id, anna));
    CHECK(world.operation(id).reason ==
          "promised to operation 7 of the site branch-3: it no longer aborts by itself");
    world.put_file("/etc/health", "bad");
    world.pass(id, 24h);
    world.machine.power_cut(24h);
    world.start();
    world.pass(id, 24h);
    CHECK(world.state(id) == State::activated);
    CHECK(world.engine->show(id)->gates.at(0).finding.verdict == Verdict::fail);  // and yet it is shown
    CHECK(world.engine->change_timer(id, {TimerChange::What::restart}, anna).error().kind ==
          ErrorKind::refused);
    CHECK(world.commands_on(id) == std::vector<std::string>{"belay commit 1", "belay abort 1"});
    REQUIRE(world.ask(id, Verb::commit));
    CHECK(world.state(id) == State::committed);
}

TEST_CASE("a promise is given by what is activated and healthy only")
{
    ToyWorld world;
    world.put_file("/etc/health", "good");
    const Id id = adopted(world, watched_plan());
    CHECK(world.engine->promise(id, anna).error().what.find("it is planned") != std::string::npos);
    REQUIRE(world.ask(id, Verb::add));
    REQUIRE(world.ask(id, Verb::activate));
    world.put_file("/etc/health", "bad");
    CHECK(world.engine->promise(id, anna).error().what == "the gate healthy is broken: bad");
    world.put_file("/etc/health", "good");
    world.machine.advance(2h);
    CHECK(world.engine->promise(id, anna).error().what.find("the timer ran out") != std::string::npos);
    CHECK(world.state(id) == State::aborting);
}

TEST_CASE("a promise that is given back leaves a deadline")
{
    ToyWorld world;
    const Id id = activated_part(world);
    REQUIRE(world.engine->promise(id, anna));
    world.pass(id, 24h);
    REQUIRE(world.engine->release(id, 2min, anna));
    world.pass(id, 2min - 1ms);
    CHECK(world.state(id) == State::activated);
    world.pass(id, 1ms);
    CHECK(world.state(id) == State::aborted);
}

TEST_CASE("a gate from add on watches what was prepared, and takes it back")
{
    ToyWorld world;
    world.put_file("/etc/health", "good");
    const Id id = world.keep(watched_plan(Phase::add));
    REQUIRE(world.ask(id, Verb::add));
    world.pass(id, 1h);
    CHECK(world.state(id) == State::added);
    CHECK(world.engine->show(id)->gates.at(0).finding.verdict == Verdict::pass);
    world.put_file("/etc/health", "bad");
    world.pass(id, 41s);
    CHECK(world.state(id) == State::aborted);
}

TEST_CASE("a step of commit that says so goes back when it fails for good, after the usual attempts")
{
    ToyWorld world;
    Plan plan = small_plan();
    plan.steps.insert(plan.steps.begin() + 2, put(Phase::commit, "agreed", "yes"));
    plan.steps[2].failure_aborts = true;
    world.put_file("/break/apply/agreed", "2");
    const Id first = world.activated(plan);
    REQUIRE(world.ask(first, Verb::commit));
    world.pass(first, 10s);
    CHECK(world.state(first) == State::committed);

    ToyWorld other;
    other.put_file("/break/apply/agreed", "3");
    const Id second = other.activated(plan);
    REQUIRE(other.ask(second, Verb::commit));
    other.pass(second, 10s);
    CHECK(other.state(second) == State::aborted);
    CHECK(other.etc("current") == "old");
    CHECK(other.operation(second).reason.find("cannot apply agreed") != std::string::npos);
}

/// Reached by being carried on, one step at each call.
class Climb final : public Put {
  public:
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const auto height = host.read("/job/" + arguments.at("name").get<std::string>(), {16});
        if (!height) return Inspection{};
        if (*height == "3") return Inspection{Inspection::Found::done};
        return Inspection{.found = Inspection::Found::unfinished, .detail = "at " + *height};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const std::string path = "/job/" + arguments.at("name").get<std::string>();
        const int height = std::stoi(host.read(path, {16}).value_or("0"));
        return host.replace(path, fmt::format("{}", height + 1));
    }
};

TEST_CASE("an unfinished step is applied again at each look, by the next process too")
{
    ToyWorld world;
    world.catalogue.add("toy.climb", std::make_unique<Climb>());
    Plan plan = small_plan();
    plan.steps.front().action = "toy.climb";
    plan.fingerprints.clear();
    const Id id = world.keep(plan);
    REQUIRE(world.ask(id, Verb::add));
    CHECK(world.machine.read("/job/new", {16}) == "1");
    world.start();
    world.serve(id);
    CHECK(world.machine.read("/job/new", {16}) == "2");
    CHECK(world.state(id) == State::adding);
    world.pass(id, 1s);
    CHECK(world.state(id) == State::added);
    CHECK(world.machine.read("/job/new", {16}) == "3");
}

/// Is on its way back by itself, and there between two looks.
class Fleeting final : public Put {
  public:
    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        std::string now = TRY(Put::remains(host, arguments, remembered));
        if (!now.empty()) return now;
        return was_seen++ == 0 ? std::string("a shadow") : std::string();
    }
    mutable int was_seen = 0;
};

TEST_CASE("what has gone between two looks at it is no failure of going back")
{
    ToyWorld world;
    world.catalogue.add("toy.fleeting", std::make_unique<Fleeting>());
    Plan plan = small_plan();
    plan.steps.front().action = "toy.fleeting";
    const Id id = world.keep(plan);
    REQUIRE(world.ask(id, Verb::add));
    world.serve(id);
    REQUIRE(world.state(id) == State::added);
    REQUIRE(world.ask(id, Verb::abort));
    world.serve(id);
    CHECK(world.state(id) == State::aborted);
    CHECK_FALSE(world.operation(id).steps.front().error);
}

TEST_CASE("where an operation stands is told by its records alone, and holds until the next of them")
{
    ToyWorld world;
    const Id id = activated_part(world);
    const Standing standing = standing_of(world.store, id).value();
    CHECK(standing.state == State::activated);
    CHECK(standing.begun == std::vector<std::string>{"new", "current"});
    CHECK(standing.is_at("current"));
    CHECK(standing.has_begun("new"));
    CHECK_FALSE(standing.has_begun("old"));
    CHECK(left_of(*standing.timer, *world.machine.now()) == 2h);
    const store::Transaction note{{standing.unmoved()}, {{"note", "x"}}};
    CHECK(world.store.commit(note)->succeeded);
    REQUIRE(world.ask(id, Verb::abort));
    CHECK_FALSE(world.store.commit(note)->succeeded);
    CHECK(standing_of(world.store, id)->begun.empty());
    CHECK(standing_of(world.store, "99").error().kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace belay::operation
