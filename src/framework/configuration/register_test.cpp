// What the register promises, on both local stores.

#include "framework/configuration/change.h"
#include "framework/configuration/testing/stores.h"

#include <thread>

namespace belay::framework::configuration {
namespace {

/// The objects as they lie in the store, whatever the head says.
size_t objects_in(store::Store& store)
{
    return must(store.list(object_prefix, "", 100'000)).size();
}

FOR_EVERY_STORE("a site is written, read back, changed, and each change is in the history")
{
    Fixture fixture;
    Register site(fixture.store);
    CHECK(must(site.snapshot()).version == 0);
    CHECK(must(site.make(asked(site, sample_site), "first", anna)) == 1);
    CHECK(must(site.make(asked(site, "[host.h1]\naddress = \"10.9.9.9\"\n"), "second", boris)) == 2);
    Register another(fixture.store);
    CHECK(text_of(another) == text_of(site));
    CHECK(must(another.snapshot()).configuration->find("host", "h1")->text("address") == "10.9.9.9");
    const std::vector<HistoryEntry> history = must(another.history());
    REQUIRE(history.size() == 2);
    CHECK(head_line_of(history[0]) == Json{{"version", 2},
                                           {"at_ms", 1'800'000'001'000},
                                           {"who", "boris"},
                                           {"origin", ""},
                                           {"why", ""},
                                           {"operation", "7"},
                                           {"takes_back", 0},
                                           {"summary", "1 changed"}});
    CHECK(history[1].summary == "8 created");
}

FOR_EVERY_STORE("ids count up, and that of an object which is gone is given to no other")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, "[host.a]\naddress = \"a\"\n[host.b]\naddress = \"b\"\n"), "1", anna));
    must(site.make(asked(site, "[host.b]\nremove = true\n"), "2", anna));
    must(site.make(asked(site, "[host.c]\naddress = \"c\"\n[host.b]\naddress = \"b\"\n"), "3", anna));
    const Snapshot snapshot = must(site.snapshot());
    CHECK(snapshot.configuration->find("host", "a")->id == 1);
    CHECK(snapshot.configuration->find("host", "c")->id == 3);
    CHECK(snapshot.configuration->find("host", "b")->id == 4);
}

FOR_EVERY_STORE(
    "two writers: the second is told who was there first, when and why, and nothing is overwritten")
{
    Fixture fixture;
    Register one(fixture.store), other(fixture.store);
    must(one.make(asked(one, sample_site), "first", anna));
    const Delta late = asked(other, "[host.h1]\naddress = \"10.0.0.111\"\n");
    must(one.make(asked(one, "[host.h1]\nlocation = \"room 2\"\n"), "quick", anna));
    const auto refused = other.make(late, "late", boris);
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::busy);
    CHECK(refused.error().what ==
          "host \"h1\" was changed meanwhile, by anna at 2027-01-15 08:00:00 UTC (version 2: new hardware)");
    CHECK(must(other.snapshot()).configuration->find("host", "h1")->text("address") == "10.0.0.1");
    CHECK(must(other.snapshot()).configuration->find("host", "h1")->text("location") == "room 2");
    // Who changes another object is not kept from it.
    CHECK(must(other.make(asked(one, "[host.h2]\nlocation = \"x\"\n"), "more", boris)) == 3);
}

FOR_EVERY_STORE("what two have thought of apart must still make sense together")
{
    Fixture fixture;
    Register one(fixture.store), other(fixture.store);
    must(one.make(asked(one, sample_site), "first", anna));
    const Delta uses = asked(other,
                             "[script.s]\nkind = \"command\"\ncommand = [\"/x\"]\nhost = \"h3\"\n"
                             "[host.h3]\naddress = \"3\"\n");
    const Delta same_name = asked(other, "[host.h3]\naddress = \"4\"\n");
    const Delta removes = asked(other, "[solution.reporting]\nremove = true\n[role.r]\nmay = \"view\"\n");
    const Delta refers = asked(other, "[role.q]\nmay = \"view\"\nsolutions = [\"reporting\"]\n");
    must(one.make(uses, "a", anna));
    const auto twice = other.make(same_name, "b", boris);
    REQUIRE(!twice);
    CHECK(twice.error().what == "there would be two objects host \"h3\"");
    must(one.make(removes, "c", anna));
    const auto dangling = other.make(refers, "d", boris);
    REQUIRE(!dangling);
    CHECK(dangling.error().kind == ErrorKind::refused);
    CHECK(dangling.error().what.contains("role \"q\" refers to the solution 8, which is not there"));
}

FOR_EVERY_STORE("threads that write at once: every change is made once, none is lost")
{
    Fixture fixture;
    Register first(fixture.store);
    must(first.make(asked(first, sample_site), "first", anna));
    constexpr int each = 20;
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < 3; ++writer) {
        writers.emplace_back([&fixture, writer] {
            Register site(fixture.store);
            for (int i = 0; i < each; ++i) {
                const Snapshot snapshot = must(site.snapshot());
                const Imported imported =
                    import_text(fmt::format("[host.\"w{} {}\"]\naddress = \"x\"\n", writer, i),
                                *snapshot.configuration, Mode::merge, nullptr);
                must(site.make(imported.delta, fmt::format("{}-{}", writer, i), anna));
            }
        });
    }
    writers.clear();
    const Snapshot end = must(first.snapshot());
    CHECK(end.version == 1 + 3 * each);
    CHECK(end.configuration->of_type("host").size() == 2 + 3 * each);
    CHECK(objects_in(fixture.store) == end.configuration->size());
    std::set<Id> ids;
    for (const auto& [id, object] : end.configuration->objects()) ids.insert(id);
    CHECK(ids.size() == end.configuration->size());
}

FOR_EVERY_STORE("a change is made once for its key, taken back once, and is what it was again")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, sample_site), "first", anna));
    const std::string before = text_of(site);
    const Delta delta =
        asked(site,
              "[host.h1]\nlocation = \"x\"\n[host.new]\naddress = \"n\"\n[solution.reporting]\n"
              "remove = true\n");
    CHECK(must(site.make(delta, "k", anna, Confirmation::later)) == 2);
    CHECK(must(site.make(delta, "k", anna, Confirmation::later)) == 2);
    CHECK(must(site.progress_of("k")).is == Register::Progress::Is::made);
    must(site.take_back("k", boris));
    must(site.take_back("k", boris));
    CHECK(text_of(site) == before);
    CHECK(must(site.progress_of("k")).is == Register::Progress::Is::taken_back);
    const HistoryEntry last = must(site.history(1)).front();
    CHECK(last.version == 3);
    CHECK(last.takes_back == 2);
    CHECK(last.summary == "takes back version 2: 1 created, 1 changed, 1 removed");
    const auto again = site.make(delta, "k", anna);
    REQUIRE(!again);
    CHECK(again.error().what == "version 2 of the configuration was taken back by version 3");
    must(site.take_back("never made", boris));
    CHECK(must(site.snapshot()).version == 3);
}

FOR_EVERY_STORE("nobody gets in the way of a change that may still be taken back")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, sample_site), "first", anna));
    const Delta same_object = asked(site, "[host.h1]\naddress = \"1\"\n");
    must(site.make(asked(site, R"([host.h1]
location = "x"
[host.new]
address = "n"
[solution.reporting]
remove = true
[application."config server"]
ports = [{ name = "main", port = 3030 }]
)"),
                   "k", boris, Confirmation::later));
    const auto refusal = [&](const std::string& text) {
        const auto made = site.make(asked(site, text), text, anna);
        return made ? std::string("made") : made.error().what;
    };
    const std::string unconfirmed =
        "what boris by operation 7 at 2027-01-15 08:00:01 UTC (version 2) changed is not "
        "confirmed yet; were it taken back, ";
    CHECK(refusal("[host.h1]\naddress = \"1\"\n") ==
          "host \"h1\" is being changed by boris by operation 7 at 2027-01-15 08:00:01 UTC (version 2), "
          "which is not "
          "confirmed yet");
    // It would refer to nothing, take a name that comes back, and a port that is used again.
    CHECK(refusal("[script.s]\nkind = \"command\"\ncommand = [\"/x\"]\nhost = \"new\"\n") ==
          unconfirmed + "script \"s\" refers to the host 9, which is not there");
    CHECK(refusal("[solution.reporting]\n") ==
          unconfirmed + "there would be two objects solution \"reporting\"");
    CHECK(refusal(
              "[application.x]\nhost = \"h1\"\ncommand = [\"/x\"]\nports = [{ name = \"a\", port = 2020 }]\n")
              .starts_with(unconfirmed + "port 2020 of host \"h1\" is used twice"));
    CHECK(refusal("[host.h2]\nlocation = \"y\"\n") == "made");
    must(site.confirm("k"));
    CHECK(must(site.progress_of("k")).is == Register::Progress::Is::confirmed);
    CHECK(refusal("[solution.reporting]\n") == "made");
    CHECK(refusal("[script.s]\nkind = \"command\"\ncommand = [\"/x\"]\nhost = \"new\"\n") == "made");
}

FOR_EVERY_STORE("the site returns to any version that is kept")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, sample_site), "1", anna));
    const std::string first = text_of(site);
    must(site.make(asked(site, "[host.h1]\nlocation = \"x\"\n[host.h9]\naddress = \"9\"\n"), "2", anna));
    must(site.make(asked(site, "[solution.reporting]\nremove = true\n[host.h1]\nlocation = \"y\"\n"), "3",
                   anna));
    const Delta back = must(site.back_to(1));
    CHECK(back.objects.size() == 3);
    must(site.make(back, "4", boris));
    CHECK(text_of(site) == first);
    CHECK(must(site.back_to(4)).empty());
    CHECK(site.back_to(5).error().kind == ErrorKind::not_found);
    CHECK(site.back_to(-1).error().kind == ErrorKind::not_found);
    must(site.make(must(site.back_to(0)), "5", boris));
    CHECK(text_of(site).empty());
}

std::string large_site(int hosts, int applications)
{
    std::string text;
    for (int i = 0; i < hosts; ++i)
        text +=
            fmt::format("[host.\"host {}\"]\naddress = \"10.{}.{}.{}\"\n", i, i >> 16, i >> 8 & 255, i & 255);
    for (int i = 0; i < applications; ++i) {
        text += fmt::format(
            "[application.\"application {}\"]\nhost = \"host {}\"\ncommand = [\"/usr/bin/server\", "
            "\"-app\", \"application {}\"]\nuser = \"server\"\nports = [{{ name = \"main\", port = {} }}]\n",
            i, i % hosts, i, 1024 + i / hosts);
        if (i > 0)
            text += fmt::format(
                "prerequisites = [{{ kind = \"application\", application = \"application {}\" }}]\n", i - 1);
        text += fmt::format(
            "[application.\"application {}\".options.log]\nlevel = \"standard\"\nfile = "
            "\"/var/log/server-{}.log\"\n",
            i, i);
    }
    return text;
}

FOR_EVERY_STORE("a site of 1,000 hosts and 10,000 applications is imported in one change")
{
    Fixture fixture;
    Register site(fixture.store);
    const std::string text = large_site(1000, 10'000);
    const auto began = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    const Delta delta = asked(site, text, Mode::whole);
    const double read = seconds();
    CHECK(must(site.make(delta, "all", anna)) == 1);
    const double made = seconds();
    Register another(fixture.store);
    const Snapshot snapshot = must(another.snapshot());
    const double loaded = seconds();
    CHECK(snapshot.configuration->size() == 11'000);
    CHECK(objects_in(fixture.store) == 11'000);
    const Imported again =
        import_text(toml_text(*snapshot.configuration), *snapshot.configuration, Mode::whole, nullptr);
    CHECK(all_problems(again) == "");
    CHECK(again.delta.empty());
    MESSAGE("read and checked after " << read << " s, made after " << made << " s, loaded after " << loaded
                                      << " s");
    CHECK(loaded < 60);
}

TEST_CASE(
    "the process may die at every write of a large change: it is made or not, and readers never see half")
{
    using Fault = store::MemoryStore::Fault;
    store::MemoryStore prepared(still_clock());
    Register first(prepared);
    must(first.make(asked(first, large_site(5, 250)), "1", anna));
    const std::string before = text_of(first);
    const Delta delta = asked(first, large_site(5, 230) + "[host.more]\naddress = \"m\"\n", Mode::whole);
    std::string text = "[host.more]\naddress = \"m\"\n";
    for (int i = 0; i < 250; ++i)
        text += fmt::format("[application.\"application {}\"]\nversion = \"2\"\n", i);
    const Delta large = asked(first, text);
    CHECK(delta.objects.size() > 20);
    const store::MemoryStore::Data data = prepared.snapshot();

    size_t writes = 0;
    {
        store::MemoryStore store(still_clock(), data);
        store.set_fault_hook([&](const store::Transaction&) {
            ++writes;
            return Fault::none;
        });
        Register site(store);
        must(site.make(large, "k", anna, Confirmation::later));
        CHECK(writes == 4);
    }
    for (const Fault fault : {Fault::lost_before, Fault::lost_after, Fault::refuse}) {
        for (size_t at = 1; at <= writes; ++at) {
            CAPTURE(at);
            store::MemoryStore store(still_clock(), data);
            size_t count = 0;
            store.set_fault_hook(
                [&](const store::Transaction&) { return ++count == at ? fault : Fault::none; });
            Register site(store);
            const auto made = site.make(large, "k", anna, Confirmation::later);
            CHECK(!made);
            store.set_fault_hook({});
            store.revive();
            Register after(store);
            const bool is_made = fault == Fault::lost_after || at > 1;
            const Snapshot seen = must(ConfigurationReader(store).snapshot());
            CHECK(seen.version == (is_made ? 2 : 1));
            CHECK((seen.configuration->find("host", "more") != nullptr) == is_made);
            CHECK((toml_text(*seen.configuration) == before) == !is_made);
            size_t changed = 0;
            for (const Object* application : seen.configuration->of_type("application"))
                changed += application->text("version") == "2" ? 1 : 0;
            CHECK(changed == (is_made ? 250 : 0));
            // Whoever comes next finishes it, and it can be taken back.
            CHECK(must(after.make(large, "k", anna, Confirmation::later)) == 2);
            CHECK(must(after.progress_of("k")).is == Register::Progress::Is::made);
            CHECK(must(ConfigurationReader(store).snapshot()).configuration->size() == objects_in(store));
            must(after.take_back("k", anna));
            CHECK(text_of(after) == before);
            CHECK(must(after.snapshot()).configuration->size() == objects_in(store));
        }
    }
}

FOR_EVERY_STORE("old history is forgotten, but not what may still be taken back")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, "[host.a]\naddress = \"a\"\n[host.b]\naddress = \"b\"\n"), "first", anna));
    must(site.make(asked(site, "[host.a]\nlocation = \"x\"\n"), "kept", anna, Confirmation::later));
    const auto write = [&](Version count, std::string_view prefix) {
        for (Version i = 0; i < count; ++i) {
            Snapshot snapshot = must(site.snapshot());
            Object b = *snapshot.configuration->find("host", "b");
            b.attributes["location"] = fmt::format("{} {}", prefix, i);
            const Delta delta{{{snapshot.configuration->share(b.id), std::make_shared<const Object>(b)}}};
            must(site.make(delta, fmt::format("{} {}", prefix, i), anna));
        }
    };
    write(remembered_versions + 10, "a");
    CHECK(must(site.history(10'000)).back().version == 2);
    must(site.take_back("kept", anna));
    CHECK(!must(site.snapshot()).configuration->find("host", "a")->attributes.contains("location"));
    write(20, "b");
    const auto kept = must(site.history(10'000));
    CHECK(kept.size() == static_cast<size_t>(remembered_versions));
    CHECK(must(fixture.store.list("config/made/", "", 10'000)).size() <= kept.size());
    CHECK(site.back_to(3).error().what.contains("those from "));
    const auto too_old = ConfigurationReader(fixture.store).follow(3);
    REQUIRE(!too_old);
    CHECK(too_old.error().kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace belay::framework::configuration
