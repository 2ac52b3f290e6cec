#include "procedures/config_change.h"

#include "framework/configuration/change.h"
#include "framework/configuration/testing/sample.h"
#include "framework/configuration/toml_text.h"
#include "host/simulated.h"
#include "operation/engine.h"
#include "store/scratch_folder.h"
#include "store/sqlite.h"

#include <fstream>
#include <iterator>

namespace belay::procedures {
namespace {

using namespace framework::configuration;
using operation::Id;
using operation::Operation;
using operation::State;
using operation::Verb;

const operation::Asker carla{"carla", "uid 1000", "because"};

/// One machine with its database, and an engine that serves it.
struct ConfigDesk {
    store::ScratchFolder folder;
    KeyFolder keys;
    std::unique_ptr<store::Store> store =
        must(store::open_sqlite(folder / "belay.db", {.boot = "1", .now = [] { return Milliseconds{0}; }}));
    Register configuration{*store};
    Site site{*store, configuration, keys.file()};
    host::SimulatedHost machine;
    operation::Catalogue catalogue;
    std::unique_ptr<operation::Engine> engine;

    ConfigDesk()
    {
        fill_configuration(catalogue, site);
        engine = must(operation::Engine::open(*store, machine, catalogue, {}));
        run(sample_site, Verb::commit);
    }

    Result<operation::Plan> plan(const std::string& text, const std::string& mode = "merge")
    {
        const Procedure change = config_change(site);
        TRY(change.before_keeping());
        return change.make(machine, {{"text", text}, {"mode", mode}, {"file", "site.toml"}});
    }
    void serve(const Id& id)
    {
        while (must(engine->step(id)).when == operation::Next::When::now) {
        }
    }
    Id activate(const operation::Plan& plan)
    {
        const Id id = must(engine->keep(plan, carla)).id;
        must(engine->request(id, Verb::add, carla));
        serve(id);
        must(engine->request(id, Verb::activate, carla));
        serve(id);
        REQUIRE_MESSAGE(state(id) == State::activated, must(engine->show(id)).operation.reason);
        return id;
    }
    Id run(const std::string& text, Verb end)
    {
        const Id id = activate(must(plan(text)));
        must(engine->request(id, end, carla));
        serve(id);
        return id;
    }
    State state(const Id& id) { return must(engine->show(id)).operation.state; }
    std::string text() { return toml_text(*must(configuration.snapshot()).configuration); }
    /// Every byte of the database, its log included, and all that the journal tells.
    std::string all_bytes()
    {
        std::string bytes;
        for (const char* name : {"belay.db", "belay.db-wal"}) {
            std::ifstream file(folder / name, std::ios::binary);
            bytes.append(std::istreambuf_iterator<char>(file), {});
        }
        for (const Id& id : must(engine->all())) {
            bytes += json_text(Json(must(engine->show(id))));
            for (const operation::Record& record : must(engine->records(id)))
                bytes += json_text(Json(record));
        }
        for (const Json& audit : must(engine->audit())) bytes += json_text(audit);
        for (const HistoryEntry& entry : must(configuration.history()))
            bytes += must(history_text(entry)) + json_text(to_json_list(entry.delta));
        return bytes + text();
    }
};

TEST_CASE("a change is confirmed, and the history says who made it, why, and by which operation")
{
    ConfigDesk desk;
    const Id id = desk.run("[host.h1]\nlocation = \"room 2\"\n", Verb::commit);
    CHECK(desk.state(id) == State::committed);
    const HistoryEntry last = must(desk.configuration.history(1)).front();
    CHECK(last.version == 2);
    CHECK(last.author.who == "carla");
    CHECK(last.author.why == "because");
    CHECK(last.author.operation == id);
    CHECK(must(desk.configuration.snapshot()).configuration->find("host", "h1")->text("location") ==
          "room 2");
}

TEST_CASE("a change that nobody confirms returns by itself, as a version of its own")
{
    ConfigDesk desk;
    const std::string before = desk.text();
    const Id id =
        desk.activate(must(desk.plan("[host.h1]\nremove = true\n[application.\"config server\"]\nhost = "
                                     "\"h2\"\n[application.\"stat server\"]\nhost = \"h2\"\n")));
    CHECK(desk.text() != before);
    desk.machine.advance(std::chrono::minutes(10));
    desk.serve(id);
    CHECK(desk.state(id) == State::aborted);
    const Operation operation = must(desk.engine->show(id)).operation;
    CHECK(operation.verified);
    CHECK(operation.differences.empty());
    CHECK(desk.text() == before);
    CHECK(must(desk.configuration.history(1)).front().takes_back == 2);
}

TEST_CASE("the plan says what is changed, which applications restart, and how long it may go unconfirmed")
{
    ConfigDesk desk;
    desk.run("[policy.all]\ntimer = \"3m\"\n[policy.some]\ntimer = \"1m\"\nhosts = [\"h1\"]\n", Verb::commit);
    const operation::Plan plan = must(desk.plan("[application.\"config server\"]\nversion = \"2\"\n"));
    CHECK(plan.title == "Change the configuration: 1 changed");
    CHECK(plan.timer == std::chrono::minutes(3));
    CHECK(plan.topology == std::vector<std::string>{"application \"config server\" has to restart: version"});
    CHECK(plan.locks == std::vector<std::string>{"config:application/4"});
    CHECK(plan.steps[0].commands ==
          std::vector<std::string>{"~ application \"config server\"",
                                   "    version: not set -> \"2\" (after restart)",
                                   "! application \"config server\" has to restart: version"});
}

TEST_CASE("a file with errors becomes no plan: all of them are said, and none of its secrets")
{
    ConfigDesk desk;
    const auto plan = desk.plan(
        "[host.h1]\nadress = \"x\"\n[storage.s]\nkind = \"s3\"\nlocation = 3\naccess_key = "
        "\"k\"\nsecret_key = \"PLANTED\"\npassword = [\"PLANTED\"]\n");
    REQUIRE(!plan);
    CHECK(plan.error().kind == ErrorKind::usage);
    CHECK(plan.error().what == "site.toml has 3 errors, and nothing was changed");
    CHECK(plan.error().output.contains("site.toml:2:1: error: host has no attribute \"adress\""));
    CHECK(!json_text(Json(plan.error())).contains("PLANTED"));
    const operation::Plan same = must(desk.plan("[host.h1]\naddress = \"10.0.0.1\"\n"));
    CHECK(same.title == "The configuration is as site.toml wants it already");
    CHECK(same.steps.empty());
    CHECK(desk.plan("", "everything").error().kind == ErrorKind::usage);
}

TEST_CASE("a plan that is only looked at makes no key; one that is to be kept has it first")
{
    ConfigDesk desk;
    const KeyFolder empty;
    const Site site{desk.site.store, desk.site.configuration, empty.file()};
    const std::string text =
        "[storage.s]\nkind = \"folder\"\nhost = \"h1\"\nlocation = \"/x\"\npassword = \"one\"\n";
    const Procedure change = config_change(site);
    const auto look = [&] { return change.make(desk.machine, {{"text", text}, {"mode", "merge"}}); };
    CHECK(must(look()).steps.size() == 2);
    CHECK(must(config_rotate_key(site).make(desk.machine, {})).steps.size() == 4);
    CHECK(KeyRing::read(empty.file()).error().kind == ErrorKind::not_found);
    REQUIRE(change.before_keeping());
    const std::string mark = must(KeyRing::read(empty.file())).mark();
    CHECK(must(look()).steps.size() == 2);
    REQUIRE(change.before_keeping());
    CHECK(must(KeyRing::read(empty.file())).mark() == mark);
}

TEST_CASE("two plans for the same object: the second is refused, and told who was first")
{
    ConfigDesk desk;
    const operation::Plan early = must(desk.plan("[host.h1]\nlocation = \"a\"\n"));
    const operation::Plan late = must(desk.plan("[host.h1]\nlocation = \"b\"\n"));
    const Id kept = must(desk.engine->keep(late, carla)).id;
    const Id first = desk.activate(early);
    const auto locked = desk.engine->request(kept, Verb::add, carla);
    REQUIRE(!locked);
    CHECK(locked.error().kind == ErrorKind::busy);
    must(desk.engine->request(first, Verb::commit, carla));
    desk.serve(first);
    const auto refused = desk.engine->request(kept, Verb::add, carla);
    REQUIRE(!refused);
    CHECK(refused.error().what.contains("config.unchanged: host \"h1\" was changed by carla by operation 3"));
    const auto again = desk.engine->keep(late, carla);
    REQUIRE(!again);
    CHECK(again.error().kind == ErrorKind::refused);
}

TEST_CASE("a plan that would be in the way of somebody's way back is not even made")
{
    ConfigDesk desk;
    const Id open = desk.activate(must(desk.plan("[host.h3]\naddress = \"3\"\n")));
    const auto plan = desk.plan("[script.s]\nkind = \"command\"\ncommand = [\"/x\"]\nhost = \"h3\"\n");
    REQUIRE(!plan);
    CHECK(plan.error().kind == ErrorKind::refused);
    CHECK(plan.error().next == "belay commit " + open);
    must(desk.engine->request(open, Verb::commit, carla));
    desk.serve(open);
    CHECK(desk.plan("[script.s]\nkind = \"command\"\ncommand = [\"/x\"]\nhost = \"h3\"\n"));
}

TEST_CASE("the configuration returns to an earlier version, by an operation that can be aborted as well")
{
    ConfigDesk desk;
    const std::string first = desk.text();
    desk.run("[host.h1]\nlocation = \"room 2\"\n[solution.reporting]\nremove = true\n", Verb::commit);
    const std::string second = desk.text();
    const Procedure revert = config_revert(desk.site);
    const operation::Plan plan = must(revert.make(desk.machine, {{"version", "1"}}));
    CHECK(plan.title == "Return to version 1 of the configuration: 1 created, 1 changed");
    const Id id = desk.activate(plan);
    CHECK(desk.text() == first);
    must(desk.engine->request(id, Verb::abort, carla));
    desk.serve(id);
    CHECK(desk.text() == second);
    const Id again = desk.activate(must(revert.make(desk.machine, {{"version", "1"}})));
    must(desk.engine->request(again, Verb::commit, carla));
    desk.serve(again);
    CHECK(desk.text() == first);
    CHECK(revert.make(desk.machine, {{"version", "99"}}).error().kind == ErrorKind::not_found);
    CHECK(revert.make(desk.machine, {{"version", "x"}}).error().kind == ErrorKind::usage);
}

TEST_CASE("a host is put into maintenance and taken out of it; what is not confirmed ends by itself")
{
    ConfigDesk desk;
    const std::string before = desk.text();
    const Procedure maintenance = config_maintenance(desk.site);
    const auto in_maintenance = [&] {
        return must(desk.configuration.snapshot()).configuration->find("host", "h1")->value("maintenance");
    };
    const operation::Plan plan = must(maintenance.make(desk.machine, {{"host", "h1"}, {"state", "on"}}));
    CHECK(plan.title == "Put the host h1 into maintenance");
    const Id id = desk.activate(plan);
    CHECK(in_maintenance() == true);
    must(desk.engine->request(id, Verb::abort, carla));
    desk.serve(id);
    CHECK(desk.text() == before);
    const Id again = desk.activate(must(maintenance.make(desk.machine, {{"host", "h1"}, {"state", "on"}})));
    must(desk.engine->request(again, Verb::commit, carla));
    desk.serve(again);
    CHECK(must(maintenance.make(desk.machine, {{"host", "h1"}, {"state", "on"}})).steps.empty());
    const Id over = desk.activate(must(maintenance.make(desk.machine, {{"host", "h1"}, {"state", "off"}})));
    must(desk.engine->request(over, Verb::commit, carla));
    desk.serve(over);
    CHECK(in_maintenance() == false);
    CHECK(must(maintenance.make(desk.machine, {{"host", "h1"}, {"state", "off"}})).title ==
          "The host h1 is out of maintenance already");
    CHECK(maintenance.make(desk.machine, {{"host", "h9"}, {"state", "on"}}).error().kind ==
          ErrorKind::not_found);
    CHECK(maintenance.make(desk.machine, {{"host", "h1"}, {"state", "perhaps"}}).error().kind ==
          ErrorKind::usage);
}

TEST_CASE("a planted secret is in no byte of the database, and in nothing that anybody is told")
{
    ConfigDesk desk;
    const std::string text = R"(
[application."stat server"]
secret_environment = { PASSWORD = "PLANTED-one" }
options = { database = { password = "PLANTED-two" } }
[storage.s]
kind = "s3"
location = "https://x"
access_key = "me"
secret_key = "PLANTED-three"
password = "PLANTED-four"
[script.s]
kind = "webhook"
url = "https://x"
token = "PLANTED-five"
)";
    const operation::Plan plan = must(desk.plan(text));
    CHECK(!json_text(Json(plan)).contains("PLANTED"));
    desk.run(text, Verb::abort);
    desk.run(text, Verb::commit);
    // It is there, but sealed.
    const KeyRing ring = must(KeyRing::read(desk.keys.file()));
    const Snapshot snapshot = must(desk.configuration.snapshot());
    CHECK(must(ring.unseal(snapshot.configuration->find("storage", "s")->text("password"))).view() ==
          "PLANTED-four");
    const std::string bytes = desk.all_bytes();
    CHECK(bytes.contains("sealed:"));
    CHECK(bytes.size() > 20'000);
    CHECK(!bytes.contains("PLANTED"));
    CHECK(!bytes.contains("belay-key"));
}

TEST_CASE(
    "a secret of the past that no key opens any more stays as it is now; where there is none it is said")
{
    ConfigDesk desk;
    const std::string storage = "[storage.s]\nkind = \"folder\"\nhost = \"h1\"\nlocation = \"/x\"\n";
    desk.run(storage + "password = \"one\"\n", Verb::commit);
    KeyRing ring = must(KeyRing::read(desk.keys.file()));
    REQUIRE(ring.add_key());
    desk.run(storage + "password = \"two\"\n", Verb::commit);
    REQUIRE(ring.keep_only(ring.mark()));
    const Procedure revert = config_revert(desk.site);
    const operation::Plan same = must(revert.make(desk.machine, {{"version", "2"}}));
    CHECK(same.title == "The configuration is as it was at version 2 already");
    CHECK(same.steps.empty());
    desk.run("[storage.s]\nremove = true\n", Verb::commit);
    const auto lost = revert.make(desk.machine, {{"version", "2"}});
    REQUIRE(!lost);
    CHECK(lost.error().what == "a secret of storage \"s\" (password) was sealed by a key that is gone");
    CHECK(revert.make(desk.machine, {{"version", "3"}}));
}

const std::string sealed_storage =
    "[storage.s]\nkind = \"folder\"\nhost = \"h1\"\nlocation = \"/x\"\npassword = \"one\"\n";

std::string password_of(ConfigDesk& desk)
{
    return must(desk.configuration.snapshot()).configuration->find("storage", "s")->text("password");
}

TEST_CASE("a new key: everything is sealed anew in one change, and the old key goes with the commit")
{
    ConfigDesk desk;
    desk.run(sealed_storage, Verb::commit);
    const std::string old_mark = must(KeyRing::read(desk.keys.file())).mark();
    const std::string old_password = password_of(desk);
    const Procedure rotate = config_rotate_key(desk.site);

    const Id aborted = desk.activate(must(rotate.make(desk.machine, {})));
    CHECK(password_of(desk) != old_password);
    CHECK(must(KeyRing::read(desk.keys.file())).size() == 2);
    must(desk.engine->request(aborted, Verb::abort, carla));
    desk.serve(aborted);
    CHECK(desk.state(aborted) == State::aborted);
    CHECK(password_of(desk) == old_password);
    CHECK(must(KeyRing::read(desk.keys.file())).mark() == old_mark);

    const Id id = desk.activate(must(rotate.make(desk.machine, {})));
    must(desk.engine->request(id, Verb::commit, carla));
    desk.serve(id);
    CHECK(desk.state(id) == State::committed);
    const KeyRing keys = must(KeyRing::read(desk.keys.file()));
    CHECK(keys.size() == 1);
    CHECK(keys.mark() != old_mark);
    CHECK(must(keys.unseal(password_of(desk))).view() == "one");
    CHECK(keys.unseal(old_password).error().kind == ErrorKind::not_found);
}

TEST_CASE("an old key is not dropped while an unconfirmed change may bring back what it opens")
{
    ConfigDesk desk;
    desk.run(sealed_storage, Verb::commit);
    const Procedure rotate = config_rotate_key(desk.site);
    const Id open = desk.activate(must(desk.plan("[storage.s]\nremove = true\n")));
    const Id id = desk.activate(must(rotate.make(desk.machine, {})));
    must(desk.engine->request(id, Verb::commit, carla));
    for (int i = 0; i < 5; ++i) {
        desk.serve(id);
        desk.machine.advance(std::chrono::minutes(1));
    }
    CHECK(desk.state(id) == State::held);
    CHECK(
        must(desk.engine->show(id)).operation.reason.contains("that operation " + open + " may bring back"));
    CHECK(must(KeyRing::read(desk.keys.file())).size() == 2);
    must(desk.engine->request(open, Verb::commit, carla));
    desk.serve(open);
    must(desk.engine->request(id, Verb::commit, carla));
    desk.serve(id);
    CHECK(desk.state(id) == State::committed);
    CHECK(must(KeyRing::read(desk.keys.file())).size() == 1);
}

TEST_CASE("a plan whose secrets no key opens any more is not made true")
{
    ConfigDesk desk;
    const operation::Plan plan = must(
        desk.plan("[storage.s]\nkind = \"folder\"\nhost = \"h1\"\nlocation = \"/x\"\npassword = \"one\"\n"));
    KeyRing ring = must(KeyRing::read(desk.keys.file()));
    REQUIRE(ring.add_key());
    REQUIRE(ring.keep_only(ring.mark()));
    const Id id = must(desk.engine->keep(plan, carla)).id;
    must(desk.engine->request(id, Verb::add, carla));
    desk.serve(id);
    must(desk.engine->request(id, Verb::activate, carla));
    desk.serve(id);
    CHECK(desk.state(id) == State::aborted);
    CHECK(must(desk.engine->show(id))
              .operation.reason.contains("sealed by a key that this site does not have"));
    CHECK(must(desk.configuration.snapshot()).version == 1);
}

}  // namespace
}  // namespace belay::procedures
