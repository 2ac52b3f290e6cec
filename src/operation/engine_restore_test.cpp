// A step that destroys what it changes goes back by a restore: of what was saved, journaled, resumed after
// every crash, and proven by a fingerprint.

#include "host/faulty.h"
#include "operation/toy_world.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

/// Keeps what is in a file of /etc in the operation's own folder.
class Save final : public Action {
  public:
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const auto saved = host.read(arguments.at("to").get<std::string>(), {4096});
        if (!saved && saved.error().kind != ErrorKind::not_found) return std::unexpected(saved.error());
        if (!saved) return Inspection{};
        return Inspection{saved->starts_with("whole ") ? Inspection::Found::done
                                                       : Inspection::Found::partial};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const std::string text = TRY(host.read(arguments.at("of").get<std::string>(), {4096}));
        return host.replace(arguments.at("to").get<std::string>(), "whole " + text);
    }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override { return ""; }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }
};

/// Puts it back in two parts. /break/restore: it says that all is back, and it is not.
class BringBack final : public Action {
  public:
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const std::string saved = TRY(host.read(arguments.at("to").get<std::string>(), {4096})).substr(6);
        const std::string found = TRY(host.read(arguments.at("of").get<std::string>(), {4096}));
        const bool back = found == saved || found == "all but " + saved;
        return Inspection{back ? Inspection::Found::done : Inspection::Found::partial};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const std::string of = arguments.at("of");
        const std::string saved = TRY(host.read(arguments.at("to").get<std::string>(), {4096})).substr(6);
        TRY(host.replace(of, "torn"));
        const bool wrong = host.read("/break/restore", {16}).has_value();
        return host.replace(of, (wrong ? "all but " : "") + saved);
    }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override { return ""; }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }
};

/// What was there before is nowhere any more.
class Smash final : public Put {
  public:
    Result<void> revert(host::Host&, const Json&, const Json&) const override
    {
        INVARIANT(false);
        return {};
    }
};

struct RestoreWorld : ToyWorld {
    RestoreWorld()
    {
        machine.change([](host::Machine& m) { m.put_folder("/state/restore-points/1"); });
        catalogue.add("toy.save", std::make_unique<Save>());
        catalogue.add("toy.bring-back", std::make_unique<BringBack>());
        catalogue.add("toy.smash", std::make_unique<Smash>());
        settings.state_folder = "/state";
        start();
    }
    std::string saved() { return machine.read("/state/restore-points/1/old", {4096}).value_or("-"); }
};

/// Switches "current", saves "old", destroys it, and lets it soak.
Plan smashing_plan()
{
    Plan plan = small_plan();
    const Json arguments = {{"of", "/etc/old"}, {"to", std::string(own_folder) + "/old"}};
    Step save{.name = "save", .title = "save", .phase = Phase::activate, .action = "toy.save"};
    save.arguments = arguments;
    save.commands = {"cp /etc/old " + std::string(own_folder) + "/old"};
    Step smash = put(Phase::activate, "old", "smashed", "toy.smash");
    smash.restore = Restore{"save", "toy.bring-back", arguments, {{"toy.etc"}}};
    plan.steps = {put(Phase::add, "new", "prepared"), put(Phase::activate, "current", "new"), save, smash};
    plan.keeps = {std::string(own_folder)};
    return plan;
}

size_t place_of(const std::vector<std::string>& events, const std::string& event)
{
    const auto found = std::ranges::find(events, event);
    REQUIRE_MESSAGE(found != events.end(), event);
    return static_cast<size_t>(found - events.begin());
}

TEST_CASE("an abort past a step that destroyed something restores it, and proves it by fingerprint")
{
    RestoreWorld world;
    const Id id = world.activated(smashing_plan());
    CHECK(world.state(id) == State::activated);
    CHECK(world.etc("old") == "smashed");
    CHECK(world.saved() == "whole precious");
    CHECK(world.operation(id).plan.steps[2].commands.front() == "cp /etc/old /state/restore-points/1/old");
    REQUIRE(world.ask(id, Verb::abort));
    const Operation operation = world.operation(id);
    CHECK(operation.state == State::aborted);
    CHECK(operation.differences.empty());
    CHECK(world.etc("old") == "precious");
    CHECK(world.etc("current") == "old");
    CHECK(operation.steps[3].restoring);
    CHECK(operation.steps[3].detail ==
          "restored from what save had saved; all 3 lines of its fingerprint are as before");
    const std::vector<std::string> events = world.events(id);
    CHECK(place_of(events, "restoring old") + 1 == place_of(events, "undone old"));
    CHECK(place_of(events, "undone old") < place_of(events, "undone current"));
}

TEST_CASE("a failure of the step that destroys goes back by itself, by the restore")
{
    RestoreWorld world;
    world.put_file("/break/apply/old", "1");
    const Id id = world.activated(smashing_plan());
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("old") == "precious");
}

TEST_CASE("nothing is destroyed where what was saved is no longer whole")
{
    RestoreWorld world;
    Plan plan = smashing_plan();
    // Something between the two spoils it.
    Step spoil = put(Phase::activate, "../state/restore-points/1/old", "torn");
    plan.steps.insert(plan.steps.begin() + 3, spoil);
    const Id id = world.activated(plan);
    CHECK(world.state(id) == State::aborted);
    CHECK(world.operation(id).reason.find("what the step save has saved is not whole") != std::string::npos);
    CHECK(world.etc("old") == "precious");
}

TEST_CASE("a restore that is not what it was is held, and abort leads on when it is mended")
{
    RestoreWorld world;
    const Id id = world.activated(smashing_plan());
    world.put_file("/break/restore", "1");
    REQUIRE(world.ask(id, Verb::abort));
    world.pass(id, 1min);
    CHECK(world.state(id) == State::held);
    CHECK(
        world.operation(id).reason.find("it was restored, and is not what it was: old: was precious, is all "
                                        "but precious") != std::string::npos);
    CHECK(world.commands_on(id) == std::vector<std::string>{"belay abort 1", "belay clear 1"});
    world.machine.change([](host::Machine& m) { m.erase("/break/restore"); });
    world.put_file("/etc/old", "torn");
    REQUIRE(world.ask(id, Verb::abort));
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("old") == "precious");
}

TEST_CASE("before it writes, a restore looks whether these are still the same things")
{
    RestoreWorld world;
    Plan plan = smashing_plan();
    plan.steps.back().identity = {file_is("serial", "S1")};
    plan.fingerprints.clear();
    plan.steps.back().restore->proof = {{"toy.etc"}};
    world.put_file("/etc/serial", "S1");
    const Id id = world.activated(plan);
    REQUIRE(world.state(id) == State::activated);
    world.put_file("/etc/serial", "S2");
    REQUIRE(world.ask(id, Verb::abort));
    world.pass(id, 1min);
    CHECK(world.state(id) == State::held);
    CHECK(world.etc("old") == "smashed");
    world.put_file("/etc/serial", "S1");
    REQUIRE(world.ask(id, Verb::abort));
    CHECK(world.state(id) == State::aborted);
    CHECK(world.etc("old") == "precious");
}

/// Runs to an end, an accident on the way; the engine is begun anew when the process has died in it.
State aborted_with(RestoreWorld& world, const std::function<void(const Id&)>& accident)
{
    const Id id = world.activated(smashing_plan());
    REQUIRE(world.state(id) == State::activated);
    accident(id);
    for (int turn = 0; turn < 50 && !is_ended(world.state(id)); ++turn) {
        if (world.store.dead()) world.start();
        if (world.state(id) == State::activated || world.state(id) == State::held)
            static_cast<void>(world.ask(id, Verb::abort));
        world.pass(id, 10s);
        if (world.store.dead()) world.start();
    }
    CHECK(world.etc("old") == "precious");
    CHECK(world.etc("current") == "old");
    CHECK(world.operation(id).differences.empty());
    return world.state(id);
}

TEST_CASE("the journal may be cut at any write of the way back, and it comes back all the same")
{
    using Cut = store::MemoryStore::Fault;
    for (const Cut fault : {Cut::lost_before, Cut::lost_after, Cut::refuse}) {
        size_t tried = 0;
        for (size_t at = 1; at <= 6; ++at) {
            RestoreWorld world;
            size_t writes = 0;
            const State state = aborted_with(world, [&](const Id&) {
                world.store.set_fault_hook(
                    [&, at, fault](const store::Transaction&) { return ++writes == at ? fault : Cut::none; });
            });
            CHECK(state == State::aborted);
            tried += writes >= at;
        }
        CHECK(tried >= 5);
    }
}

TEST_CASE("the process may die at any contact of the restore, and the next one ends it")
{
    size_t contacts = 0;
    for (size_t at = 1;; ++at) {
        RestoreWorld world;
        const Id id = world.activated(smashing_plan());
        host::FaultyHost faulty(world.machine, host::Fault{host::Fault::Kind::dead, at});
        auto opened = Engine::open(world.store, faulty, world.catalogue, world.settings);
        if (opened && (*opened)->request(id, Verb::abort, anna)) {
            while (true) {
                const Result<Next> next = (*opened)->step(id);
                if (!next || next->when != Next::When::now) break;
            }
        }
        const bool died = faulty.contacts() >= at;
        world.start();
        if (world.state(id) == State::activated) REQUIRE(world.ask(id, Verb::abort));
        world.pass(id, 1min);
        CHECK_MESSAGE(world.state(id) == State::aborted, at);
        CHECK(world.etc("old") == "precious");
        CHECK_MESSAGE(world.operation(id).differences.empty(), at, ": ",
                      fmt::format("{}", fmt::join(world.operation(id).differences, "; ")));
        if (!died) break;
        ++contacts;
    }
    CHECK(contacts > 15);
}

TEST_CASE("what an operation keeps goes when it has ended and is cleaned up, and its size is told")
{
    RestoreWorld world;
    world.machine.install("du", [](host::Machine&, const host::Command& command) -> Result<host::Outcome> {
        return host::Outcome{.out = "2048\t" + command.argv.back() + "\n", .err = {}};
    });
    world.machine.install("rm",
                          [](host::Machine& machine, const host::Command& command) -> Result<host::Outcome> {
                              machine.erase(command.argv.back());
                              return host::Outcome{};
                          });
    const Id id = world.activated(smashing_plan());
    CHECK(world.engine->clean(false, anna).value().removed.empty());
    REQUIRE(world.ask(id, Verb::abort));
    const Cleaned would = world.engine->clean(true, anna).value();
    REQUIRE(would.removed.size() >= 1);
    CHECK(would.removed.front() == "the restore point of operation 1, /state/restore-points/1 (2 KiB)");
    CHECK(world.saved() == "whole precious");
    CHECK(world.engine->clean(false, anna).value().freed.count >= 2048);
    CHECK(world.saved() == "-");
    CHECK(world.engine->clean(false, anna).value().removed.empty());
}

TEST_CASE("a plan that restores what nobody saved, or proves nothing, is none")
{
    const auto refused = [](const std::function<void(Plan&)>& change) {
        Plan plan = smashing_plan();
        change(plan);
        const Result<void> valid = validate(plan);
        return valid ? std::string("valid") : valid.error().what;
    };
    CHECK(refused([](Plan&) {}) == "valid");
    CHECK(refused([](Plan& plan) { plan.steps[3].restore->from = "nobody"; }) ==
          "the step old is undone by a restore, and no step before it is called nobody");
    CHECK(refused([](Plan& plan) { plan.steps[3].restore->from = "old"; }).find("no step before") !=
          std::string::npos);
    CHECK(refused([](Plan& plan) { plan.steps[3].restore->proof.clear(); }).find("nothing would prove it") !=
          std::string::npos);
    CHECK(refused([](Plan& plan) { plan.steps[3].one_way = "gone"; }).find("no way back") !=
          std::string::npos);
    CHECK(refused([](Plan& plan) { plan.steps[3].phase = Phase::commit; }).find("activate phase") !=
          std::string::npos);
    CHECK(validate_as_part(smashing_plan()));
}

}  // namespace
}  // namespace belay::operation
