// config.change with every single accident: each call of the store refused, its answer lost, the process dead
// at it; each contact with the host likewise; for every end that it can have, and for a change that fits one
// transaction as for one that does not.

#include "framework/configuration/key_file.h"
#include "procedures/testing/config_trial.h"

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

namespace belay::procedures {
namespace {

constexpr ConfigWish every_wish[] = {ConfigWish::commit, ConfigWish::abort_when_added,
                                     ConfigWish::abort_when_activated, ConfigWish::let_the_timer_run_out};

/// Under the address sanitizer each seventh run is enough: the plain build does them all.
#ifdef BELAY_SANITIZE_ADDRESS
constexpr size_t config_stride = 7;
#else
constexpr size_t config_stride = 1;
#endif

std::string many_hosts(std::string_view location)
{
    std::string text;
    for (int i = 0; i < 101; ++i)
        text += fmt::format("[host.\"many {}\"]\naddress = \"{}\"\nlocation = \"{}\"\n", i, i, location);
    return text;
}

const std::string small_change = R"(
[host.h1]
location = "room 2"
[host.new]
address = "10.0.0.3"
[solution.reporting]
remove = true
)";

struct KeptStart {
    configuration::KeyFolder keys;
    ConfigStart small = config_start(configuration::sample_site, small_change);
    ConfigStart large = config_start(many_hosts("a"), many_hosts("b"));
};

ConfigVerdict held_to_promises(const KeptStart& kept, const ConfigStart& start, ConfigWish wish,
                               const ConfigAccident& accident, const std::string& what)
{
    ConfigVerdict verdict = ConfigTrial(start, kept.keys.file(), wish, accident).run();
    for (const std::string& broken : verdict.broken)
        FAIL_CHECK(fmt::format("{} change, wish {}, {}: {}; ended {}: {}",
                               &start == &kept.small ? "small" : "large", static_cast<int>(wish), what,
                               broken, name_of(verdict.ended), verdict.reason));
    return verdict;
}

template <typename Run>
void on_all_processors(size_t last, Run run)
{
    std::atomic<size_t> next = 1;
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
        workers.emplace_back([&] {
            for (size_t at = next.fetch_add(config_stride); at <= last; at = next.fetch_add(config_stride))
                run(at);
        });
}

TEST_CASE(
    "without an accident a change is confirmed, or returns from wherever it is aborted, by the timer too")
{
    const KeptStart kept;
    for (const ConfigStart* start : {&kept.small, &kept.large}) {
        for (const ConfigWish wish : every_wish) {
            const ConfigVerdict verdict = held_to_promises(kept, *start, wish, {}, "no accident");
            CHECK((verdict.ended == operation::State::committed) == (wish == ConfigWish::commit));
            CHECK(verdict.held == 0);
        }
    }
}

TEST_CASE("any call of the store may be refused, its answer lost, or the process dead at it")
{
    const KeptStart kept;
    size_t runs = 0;
    for (const ConfigStart* start : {&kept.small, &kept.large}) {
        for (const ConfigWish wish : every_wish) {
            // What is large differs where it is written and taken back.
            const bool differs = wish == ConfigWish::commit || wish == ConfigWish::abort_when_activated;
            if (start == &kept.large && !differs) continue;
            const size_t calls = ConfigTrial(*start, kept.keys.file(), wish, {}).run().calls;
            using Kind = store::StoreFault::Kind;
            for (const Kind kind : {Kind::refuse, Kind::lost, Kind::dead}) {
                // A refused write leaves what a dead process leaves, and the small change has shown the rest.
                if (start == &kept.large && kind == Kind::refuse) continue;
                runs += calls;
                on_all_processors(calls, [&](size_t at) {
                    held_to_promises(
                        kept, *start, wish, {.store = {kind, at}},
                        fmt::format("fault {} at call {} of the store", static_cast<int>(kind), at));
                });
            }
        }
    }
    CHECK(runs > 900);
    MESSAGE((runs / config_stride) << " runs");
}

/// A site with a secret, and the key that sealed it: each run has a copy of its own, for it rotates the key.
struct SealedStart {
    ConfigStart start;
    std::string key;

    SealedStart()
    {
        const configuration::KeyFolder folder;
        const configuration::KeyRing keys = must(configuration::KeyRing::open(folder.file()));
        start = config_start(
            "[host.h1]\naddress = \"1\"\n[storage.s]\nkind = \"folder\"\nhost = \"h1\"\nlocation "
            "= \"/x\"\npassword = \"" +
                keys.seal("hunter2") + "\"\n",
            "[host.h1]\naddress = \"2\"\n");
        start.text.clear();
        std::ifstream file(folder.file());
        key.assign(std::istreambuf_iterator<char>(file), {});
    }

    ConfigVerdict run(ConfigWish wish, const ConfigAccident& accident) const
    {
        const configuration::KeyFolder folder;
        must(configuration::write_key_file(folder.file(), key));
        return ConfigTrial(start, folder.file(), wish, accident).run();
    }
};

TEST_CASE("a key is rotated with every accident at the store: there is always a key for every secret")
{
    const SealedStart sealed;
    size_t runs = 0;
    for (const ConfigWish wish : {ConfigWish::commit, ConfigWish::abort_when_activated}) {
        const ConfigVerdict whole = sealed.run(wish, {});
        CHECK(whole.broken == std::vector<std::string>{});
        CHECK((whole.ended == operation::State::committed) == (wish == ConfigWish::commit));
        using Kind = store::StoreFault::Kind;
        for (const Kind kind : {Kind::refuse, Kind::lost, Kind::dead}) {
            runs += whole.calls;
            on_all_processors(whole.calls, [&](size_t at) {
                const ConfigVerdict verdict = sealed.run(wish, {.store = {kind, at}});
                for (const std::string& broken : verdict.broken)
                    FAIL_CHECK(
                        fmt::format("rotation, wish {}, fault {} at call {} of the store: {}; ended {}: {}",
                                    static_cast<int>(wish), static_cast<int>(kind), at, broken,
                                    name_of(verdict.ended), verdict.reason));
            });
        }
    }
    CHECK(runs > 200);
}

TEST_CASE("the power goes between the keys in the store and those in the file: nothing is sealed for ever")
{
    const SealedStart sealed;
    for (const ConfigWish wish : {ConfigWish::commit, ConfigWish::abort_when_activated}) {
        const size_t written = sealed.run(wish, {}).keys_written;
        // A new one, and the old one dropped or preferred again.
        CHECK(written == 2);
        for (size_t at = 1; at <= written; ++at) {
            for (const bool in_store : {false, true}) {
                CAPTURE(at);
                CAPTURE(in_store);
                const ConfigVerdict verdict = sealed.run(wish, {.keys = {at, in_store}});
                CHECK(verdict.broken == std::vector<std::string>{});
                CHECK((verdict.ended == operation::State::committed) == (wish == ConfigWish::commit));
                CHECK(verdict.keys_written >= written);
            }
        }
    }
}

TEST_CASE("any contact of a change with the host may be refused, its answer lost, or the process dead at it")
{
    const KeptStart kept;
    size_t runs = 0;
    for (const ConfigWish wish : every_wish) {
        const size_t contacts = ConfigTrial(kept.small, kept.keys.file(), wish, {}).run().contacts;
        using Kind = host::Fault::Kind;
        for (const Kind kind : {Kind::refuse, Kind::lost, Kind::dead}) {
            runs += contacts;
            on_all_processors(contacts, [&](size_t at) {
                held_to_promises(kept, kept.small, wish, {.contact = host::Fault{kind, at}},
                                 fmt::format("fault {} at contact {}", static_cast<int>(kind), at));
            });
        }
    }
    CHECK(runs > 100);
    MESSAGE((runs / config_stride) << " runs");
}

}  // namespace
}  // namespace belay::procedures
