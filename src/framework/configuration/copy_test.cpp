// What a member's copy promises: old or new and never half, each step to each watcher once, and how old it
// is.

#include "framework/configuration/copy.h"

#include "framework/configuration/handover_source.h"
#include "framework/configuration/testing/stores.h"

#include <thread>

namespace belay::framework::configuration {
namespace {

/// A site, and a member that has a copy of it.
struct Pair {
    explicit Pair(CopyLimits given = {}) : limits(given) { reopen(); }

    void reopen()
    {
        copy.reset();
        copy = must(Copy::open(there, {.site = member_of, .now = [this] { return now; }, .limits = limits}));
    }
    /// Another change of the site.
    Version change(const std::string& text)
    {
        return must(site.make(asked(site, text), fmt::format("key {}", ++keys), anna));
    }
    Version change_address() { return change(fmt::format("[host.a]\naddress = \"{}\"\n", keys + 1)); }

    std::vector<Piece> pieces(size_t bytes = most_piece_bytes)
    {
        const Snapshot snapshot = must(site.snapshot());
        const Whole whole = must(whole_of(*snapshot.configuration, must(source.newest()), bytes));
        std::vector<Piece> all;
        for (size_t i = 0; i < whole.pieces.size(); ++i)
            all.push_back(std::get<Piece>(must(handover_from(parameters_of(whole, i)))));
        return all;
    }
    Result<Taken> take_whole(size_t bytes = most_piece_bytes)
    {
        Result<Taken> taken = Taken{};
        for (const Piece& piece : pieces(bytes)) {
            taken = copy->take(piece);
            if (!taken || !taken->fitted) break;
        }
        return taken;
    }
    /// The step to the newest version, by way of its wire form.
    Step step() { return step_from(copy->standing().at); }
    Step step_from(const Point& from)
    {
        const Json parameters = must(parameters_of(must(source.step_from(from)).value()));
        return std::get<Step>(must(handover_from(must(parse_json(json_text(parameters))))));
    }
    std::string text() const { return toml_text(*copy->snapshot().configuration); }

    store::MemoryStore here{still_clock()}, there{still_clock()};
    Register site{here};
    HandoverSource source{here};
    CopyLimits limits;
    std::string member_of = "0123456789abcdef";
    host::Moment now{.wall = 1'800'000'000'000ms, .boot = 5000ms, .boot_id = "one"};
    std::unique_ptr<Copy> copy;
    int keys = 0;
};

TEST_CASE(
    "a machine that leaves its site keeps nothing of its configuration, and one that joins another nothing "
    "of the first")
{
    Pair pair;
    pair.change(sample_site);
    CHECK(must(pair.take_whole()).fitted);
    pair.reopen();
    CHECK(pair.text() == text_of(pair.site));

    pair.member_of = "fedcba9876543210";
    pair.reopen();
    CHECK(pair.text().empty());
    CHECK(pair.copy->standing().problem ==
          "this machine's copy of the configuration is of another site; it is fetched anew");
    CHECK(must(pair.take_whole()).fitted);

    pair.copy.reset();
    CHECK_FALSE(must(pair.there.list("copy/", {}, 100)).empty());
    REQUIRE(Copy::forget(pair.there));
    CHECK(must(pair.there.list("copy/", {}, 100)).empty());
    // Where there is none nothing is written.
    pair.there.set_fault_hook([](const store::Transaction&) { return store::MemoryStore::Fault::refuse; });
    CHECK(Copy::forget(pair.there));
}

TEST_CASE("a copy gets the whole, then steps, and is the same after its daemon has been started anew")
{
    Pair pair;
    pair.change(sample_site);
    CHECK(must(pair.copy->take({})).at == Point());
    const Taken whole = must(pair.take_whole());
    CHECK(whole.fitted);
    CHECK(whole.at == must(pair.source.newest()));
    CHECK(pair.text() == text_of(pair.site));
    pair.change("[host.h3]\naddress = \"10.0.0.3\"\n");
    pair.change("[host.h1]\naddress = \"10.0.0.9\"\n[host.h3]\nremove = true\n");
    const Step step = pair.step();
    CHECK(step.delta.objects.size() == 1);  // the host that came and went is not in it
    CHECK(must(pair.copy->take(step)).fitted);
    CHECK(must(pair.copy->take(step)).fitted);  // the answer was lost, and it comes again
    CHECK(pair.copy->snapshot().version == 3);
    CHECK(pair.text() == text_of(pair.site));
    pair.reopen();
    CHECK(pair.copy->snapshot().version == 3);
    CHECK(pair.copy->standing().at == step.to);
    CHECK(pair.text() == text_of(pair.site));
}

TEST_CASE("what does not follow is refused with the version that is there, and then the whole is taken")
{
    Pair pair;
    pair.change("[host.a]\naddress = \"0\"\n");
    must(pair.take_whole());
    const Point first = pair.copy->standing().at;
    pair.change_address();
    const Point second = must(pair.source.newest());
    pair.change_address();
    const Taken gap = must(pair.copy->take(pair.step_from(second)));
    CHECK(!gap.fitted);
    CHECK(gap.at == first);
    Step forged = pair.step();
    forged.from.mark = std::string(16, 'f');
    CHECK(!must(pair.copy->take(forged)).fitted);
    CHECK(must(pair.take_whole()).fitted);
    CHECK(pair.text() == text_of(pair.site));

    // Not the same as where the step was made, for whatever reason: only the whole helps.
    pair.change_address();
    Step other = pair.step();
    Object wrong = *other.delta.objects.front().before;
    wrong.name = "other";
    other.delta.objects.front().before = std::make_shared<const Object>(wrong);
    const Taken damaged = must(pair.copy->take(other));
    CHECK(!damaged.fitted);
    CHECK(damaged.at == Point());
}

TEST_CASE("a whole comes in pieces, and counts with the last of them and in no other order")
{
    Pair pair({.piece_bytes = 100});
    pair.change(sample_site);
    const std::vector<Piece> pieces = pair.pieces(100);
    REQUIRE(pieces.size() > 3);
    CHECK(must(pair.copy->take(pieces[0])).fitted);
    CHECK(must(pair.copy->take(pieces[1])).at == Point());
    CHECK(!must(pair.copy->take(pieces[3])).fitted);
    Piece other = pieces[2];
    other.digest = std::string(64, '0');
    CHECK(!must(pair.copy->take(other)).fitted);
    CHECK(pair.copy->snapshot().version == 0);
    const Taken taken = must(pair.take_whole(100));
    CHECK(taken.fitted);
    CHECK(taken.at.version == 1);
    pair.reopen();
    CHECK(pair.text() == text_of(pair.site));

    pair.change("[host.h9]\naddress = \"9\"\n");
    std::vector<Piece> damaged = pair.pieces(100);
    damaged.back().bytes.back() ^= 1;
    Taken last;
    for (const Piece& piece : damaged) last = must(pair.copy->take(piece));
    CHECK(!last.fitted);
    CHECK(last.at.version == 1);
}

TEST_CASE("a site that was restored from a backup, and counts on from an older version, is not mistaken")
{
    Pair pair;
    pair.change("[host.a]\naddress = \"0\"\n");
    const store::MemoryStore::Data backup = pair.here.snapshot();
    for (int i = 0; i < 3; ++i) pair.change_address();
    must(pair.take_whole());
    REQUIRE(pair.copy->snapshot().version == 4);
    const auto follower = must(pair.copy->follow(4));

    store::MemoryStore restored(still_clock(), backup);
    Register site(restored);
    HandoverSource source(restored);
    // It has not come as far again.
    CHECK(!must(source.step_from(pair.copy->standing().at)));
    // It has come further, by other changes.
    for (int i = 0; i < 5; ++i)
        must(site.make(asked(site, fmt::format("[host.a]\naddress = \"other {}\"\n", i)),
                       fmt::format("other {}", i), boris));
    CHECK(!must(source.step_from(pair.copy->standing().at)));
    CHECK(must(pair.copy->take(
                   Piece(std::get<Piece>(must(handover_from(parameters_of(*must(source.whole()), 0)))))))
              .at.version == 6);
    CHECK(pair.text() == text_of(site));
    // A watcher is led there by what differs.
    const auto steps = must(follower->next(0ms));
    REQUIRE(steps.size() == 1);
    CHECK(steps[0].delta.objects.front().after->text("address") == "other 4");

    // And back to where it was, by the whole of the older site: no step leads back.
    must(pair.take_whole());
    CHECK(pair.copy->snapshot().version == 4);
    const auto gone = follower->next(0ms);
    REQUIRE(!gone);
    CHECK(gone.error().kind == ErrorKind::not_found);
    CHECK(pair.copy->steps_after(3, 10).error().kind == ErrorKind::not_found);
    CHECK(must(pair.copy->steps_after(4, 10)).empty());
}

TEST_CASE("a power cut at any write leaves the old or the new version, of a step, a whole and a new base")
{
    // Small enough that each of them happens, and old steps go.
    const CopyLimits limits{.kept_steps = 3,
                            .kept_bytes = 1 << 20,
                            .steps_upon_base = 2,
                            .bytes_upon_base = 1 << 20,
                            .piece_bytes = 60};
    int cuts = 0;
    for (const auto fault : {store::MemoryStore::Fault::lost_before, store::MemoryStore::Fault::lost_after}) {
        for (int at = 0;; ++at) {
            Pair pair(limits);
            int writes = 0;
            bool was_cut = false;
            pair.there.set_fault_hook([&](const store::Transaction&) {
                const bool now = writes++ == at;
                was_cut = was_cut || now;
                return now ? fault : store::MemoryStore::Fault::none;
            });
            pair.change(sample_site);
            std::map<Version, std::string> texts = {{0, ""}, {1, text_of(pair.site)}};
            Version before = 0;
            for (int round = 0; round < 8; ++round) {
                // Twice, for what was cut is asked for anew.
                for (int i = 0; i < 2; ++i) {
                    const Result<Taken> taken =
                        round % 7 == 0 ? pair.take_whole(60) : pair.copy->take(pair.step());
                    if (taken && taken->at == must(pair.source.newest())) break;
                    REQUIRE(pair.there.dead());
                    pair.there.revive();
                    pair.reopen();
                    const Version there = pair.copy->snapshot().version;
                    REQUIRE((there == before || there == must(pair.source.newest()).version));
                    REQUIRE(pair.text() == texts.at(there));
                    REQUIRE(pair.copy->standing().problem.empty());
                    if (there == must(pair.source.newest()).version) break;
                }
                before = must(pair.source.newest()).version;
                REQUIRE(pair.copy->snapshot().version == before);
                REQUIRE(pair.text() == texts.at(before));
                // What it does besides may have met the cut.
                if (pair.there.dead()) pair.there.revive();
                pair.reopen();
                REQUIRE(pair.text() == texts.at(before));
                pair.change(fmt::format("[host.h1]\naddress = \"{}\"\n", round));
                texts[before + 1] = text_of(pair.site);
            }
            if (!was_cut) break;
            ++cuts;
        }
    }
    CHECK(cuts > 60);
}

TEST_CASE("a disk that is full refuses a step, and takes it when there is room")
{
    Pair pair;
    pair.change("[host.a]\naddress = \"0\"\n");
    must(pair.take_whole());
    pair.change_address();
    pair.there.set_fault_hook([](const store::Transaction&) { return store::MemoryStore::Fault::refuse; });
    CHECK(pair.copy->take(pair.step()).error().kind == ErrorKind::no_space);
    CHECK(pair.copy->snapshot().version == 1);
    pair.there.set_fault_hook({});
    CHECK(must(pair.copy->take(pair.step())).at.version == 2);
    pair.reopen();
    CHECK(pair.copy->snapshot().version == 2);
}

TEST_CASE("a copy that makes no sense is given up and says so, until it was fetched anew")
{
    for (const std::string key : {"copy/head", "copy/base/00000001/0000", "copy/step/000000000002"}) {
        Pair pair;
        pair.change(sample_site);
        must(pair.take_whole());
        pair.change("[host.h3]\naddress = \"3\"\n");
        must(pair.copy->take(pair.step()));
        must(pair.there.commit({.when = {}, .then = {{.key = key, .value = "{}"}}}));
        pair.reopen();
        CHECK(pair.copy->snapshot().version == 0);
        CHECK(pair.copy->as_of().at("problem").is_string());
        CHECK(must(static_cast<store::Store&>(pair.there).list("copy/")).empty());
        must(pair.take_whole());
        CHECK(pair.copy->as_of().at("problem").is_null());
        CHECK(pair.text() == text_of(pair.site));
    }
}

TEST_CASE(
    "watchers get each step once and in order, however often they come back, and those too late are told")
{
    Pair pair({.kept_steps = 50, .steps_upon_base = 20});
    pair.change("[host.a]\naddress = \"0\"\n");
    must(pair.take_whole());
    constexpr int steps = 300;
    std::jthread writer([&] {
        for (int i = 0; i < steps; ++i) {
            pair.change_address();
            must(pair.copy->take(pair.step()));
        }
    });
    Version version = 1;
    int expected = 2, times = 0;
    while (version < steps + 1) {
        const auto follower = pair.copy->follow(version);
        REQUIRE(++times < 1'000'000);
        if (!follower) {
            // Overtaken by fifty steps: it reads anew.
            REQUIRE(follower.error().kind == ErrorKind::not_found);
            const Snapshot snapshot = pair.copy->snapshot();
            version = snapshot.version;
            expected = std::stoi(snapshot.configuration->find("host", "a")->text("address")) + 1;
            continue;
        }
        const auto came = (*follower)->next(Milliseconds(times % 3));
        if (!came) {
            REQUIRE(came.error().kind == ErrorKind::not_found);
            continue;
        }
        for (const Step& step : *came) {
            REQUIRE(step.from.version == version);
            version = step.to.version;
            REQUIRE(step.delta.objects.front().after->text("address") == fmt::format("{}", expected++));
        }
    }
    writer.join();
    CHECK(pair.copy->follow(1).error().next == "read it anew");
    CHECK(must(pair.copy->steps_after(version - 5, 3)).size() == 3);
    pair.reopen();
    CHECK(must(pair.copy->steps_after(version - 5, 10)).size() == 5);

    const auto follower = must(pair.copy->follow(version));
    std::jthread waker([&] { follower->interrupt(); });
    CHECK(must(follower->next(60s)).empty());
}

TEST_CASE(
    "a copy says how old it is, by the clock that runs on, and over a restart of the machine by the other")
{
    Pair pair;
    CHECK(
        pair.copy->as_of() ==
        Json{
            {"version", 0}, {"newest", 0}, {"heard_ms", nullptr}, {"ago_ms", nullptr}, {"problem", nullptr}});
    pair.change("[host.a]\naddress = \"0\"\n");
    must(pair.take_whole());
    pair.now.boot += 7s;
    pair.now.wall += 1h;  // somebody has set it
    CHECK(pair.copy->as_of().at("ago_ms") == 7000);
    CHECK(pair.copy->as_of().at("heard_ms") == 1'800'000'000'000);
    pair.copy->heard(3);
    CHECK(pair.copy->as_of().at("ago_ms") == 0);
    CHECK(pair.copy->as_of().at("newest") == 3);
    CHECK(pair.copy->as_of().at("version") == 1);
    pair.copy->heard(std::nullopt);
    CHECK(pair.copy->as_of().at("newest") == 3);

    // Not each time that it is heard is written down.
    const auto revision = must(pair.there.revision());
    pair.now.boot += 3s;
    pair.copy->heard(3);
    CHECK(must(pair.there.revision()) == revision);
    pair.now.boot += 60s;
    pair.now.wall += 63s;
    pair.copy->heard(4);
    CHECK(must(pair.there.revision()) > revision);

    pair.now = {.wall = pair.now.wall + 10min, .boot = 1000ms, .boot_id = "two"};
    pair.reopen();
    CHECK(pair.copy->as_of().at("ago_ms") == 600'000);
    CHECK(pair.copy->as_of().at("newest") == 4);
}

TEST_CASE("no secret is in a copy but sealed, and what it says of itself has none")
{
    const std::string planted = "correct horse battery staple";
    const KeyFolder folder;
    const KeyRing keys = must(KeyRing::open(folder.file()));
    Pair pair;
    const std::string text =
        "[host.h]\naddress = \"1\"\n[application.a]\nhost = \"h\"\ncommand = [\"/a\"]\n"
        "[application.a.secret_environment]\nPASSWORD = \"" +
        planted + "\"\n";
    const auto change = [&](const std::string& toml) {
        const Snapshot snapshot = must(pair.site.snapshot());
        const Imported imported = import_text(toml, *snapshot.configuration, Mode::merge, &keys);
        REQUIRE_MESSAGE(!operation::runbook::any_error(imported.problems), all_problems(imported));
        must(pair.site.make(imported.delta, fmt::format("secret {}", ++pair.keys), anna));
    };
    change(text);
    must(pair.take_whole());
    change("[application.a.secret_environment]\nPASSWORD = \"" + planted + planted + "\"\n");
    must(pair.copy->take(pair.step()));
    REQUIRE(pair.text().find("sealed:") != std::string::npos);
    std::string all = pair.text() + json_text(pair.copy->as_of());
    std::string packed;
    for (const store::Entry& entry : must(static_cast<store::Store&>(pair.there).list(""))) {
        all += entry.key + entry.value;
        if (entry.key.starts_with("copy/base/")) packed += entry.value;
    }
    all += json_text(to_json_list(difference({}, must(configuration_in(packed)))));
    CHECK(all.find(planted) == std::string::npos);
    CHECK(all.find("sealed:") != std::string::npos);
}

TEST_CASE("what is no handover is refused with a reason")
{
    const Json point = {{"version", 1}, {"mark", "0123456789abcdef"}};
    const Json later = {{"version", 2}, {"mark", "0123456789abcdef"}};
    const Json change = {{"delta", Json::array()}};
    const Json piece = {
        {"to", point}, {"digest", std::string(64, 'a')}, {"piece", 0}, {"pieces", 1}, {"bytes", "YQ=="}};
    // As it comes: by its text.
    const auto read = [](const Json& json) { return handover_from(must(parse_json(json_text(json)))); };
    const auto with = [&](const char* name, const Json& value) {
        Json changed = piece;
        changed[name] = value;
        return changed;
    };
    CHECK(must(read(Json::object())).index() == 0);
    CHECK(must(read({{"from", point}, {"to", later}, {"change", change}})).index() == 1);
    CHECK(must(read(piece)).index() == 2);
    for (const Json& wrong :
         {Json(3), Json{{"from", point}}, Json{{"from", later}, {"to", point}, {"change", change}},
          Json{{"from", point}, {"to", later}, {"change", 4}},
          Json{{"from", Json{{"version", -1}, {"mark", ""}}}, {"to", later}, {"change", change}},
          Json{{"from", Json{{"version", 1}, {"mark", "X"}}}, {"to", later}, {"change", change}},
          with("piece", 1), with("pieces", 65), with("pieces", 0), with("digest", "a"), with("bytes", ""),
          with("bytes", "%"), with("other", 1)}) {
        const auto refused = read(wrong);
        REQUIRE_MESSAGE(!refused, json_text(wrong));
        CHECK(!refused.error().what.empty());
    }
}

}  // namespace
}  // namespace belay::framework::configuration
