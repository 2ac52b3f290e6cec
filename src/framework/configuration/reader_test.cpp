// What is promised to those who follow, on both local stores.

#include "framework/configuration/testing/stores.h"

#include <thread>

namespace belay::framework::configuration {
namespace {

FOR_EVERY_STORE("who follows gets each change in order and once, over 1,000 watches that are made anew")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, "[host.a]\naddress = \"0\"\n"), "first", anna));
    ConfigurationReader reader(fixture.store);
    Snapshot snapshot = must(reader.snapshot());
    Configuration followed = *snapshot.configuration;
    constexpr int changes = 400;
    std::jthread writer([&] {
        for (int i = 1; i <= changes; ++i) {
            const Snapshot now = must(site.snapshot());
            Object a = *now.configuration->find("host", "a");
            a.attributes["address"] = fmt::format("{}", i);
            const Delta delta{{{now.configuration->share(a.id), std::make_shared<const Object>(a)}}};
            must(site.make(delta, fmt::format("key {}", i), anna));
        }
    });
    Version version = snapshot.version;
    int watches = 0, expected = 1;
    while (watches < 1000 || expected <= changes) {
        ++watches;
        const std::unique_ptr<Follower> follower = must(reader.follow(version));
        const auto entries = must(follower->next(std::chrono::milliseconds(watches % 3)));
        for (const HistoryEntry& entry : entries) {
            REQUIRE(entry.version == version + 1);
            version = entry.version;
            apply(followed, entry.delta);
            REQUIRE(followed.find("host", "a")->text("address") == fmt::format("{}", expected++));
        }
        REQUIRE(follower->version() == version);
        REQUIRE(watches < 200'000);
    }
    writer.join();
    CHECK(expected == changes + 1);
    CHECK(version == must(site.snapshot()).version);
    CHECK(toml_text(followed) == text_of(site));
}

FOR_EVERY_STORE("one follower that stays gets everything as well, and waits for what comes")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, "[host.a]\naddress = \"0\"\n"), "first", anna));
    const std::unique_ptr<Follower> follower = must(ConfigurationReader(fixture.store).follow(0));
    CHECK(must(follower->next(0ms)).size() == 1);
    CHECK(must(follower->next(0ms)).empty());
    for (int i = 1; i <= 250; ++i)
        must(site.make(asked(site, fmt::format("[host.a]\naddress = \"{}\"\n", i)), fmt::format("{}", i),
                       anna));
    Version version = 1;
    while (version < 251) {
        const auto entries = must(follower->next(10s));
        REQUIRE(!entries.empty());
        for (const HistoryEntry& entry : entries) REQUIRE(entry.version == ++version);
    }
    CHECK(must(follower->next(0ms)).empty());
    const auto ahead = ConfigurationReader(fixture.store).follow(1000);
    REQUIRE(!ahead);
    CHECK(ahead.error().kind == ErrorKind::not_found);
    CHECK(ahead.error().next == "read it anew");
}

FOR_EVERY_STORE("who was away for longer than the store remembers still gets what it missed")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, "[host.a]\naddress = \"0\"\n"), "first", anna));
    // What else a store is for makes its watches forget.
    for (int i = 0; i < 1200; ++i)
        must(fixture.store.commit({.when = {}, .then = {{"journal", fmt::format("{}", i)}}}));
    must(site.make(asked(site, "[host.a]\naddress = \"1\"\n"), "second", anna));
    const std::unique_ptr<Follower> follower = must(ConfigurationReader(fixture.store).follow(1));
    CHECK(must(follower->next(0ms)).size() == 1);
}

FOR_EVERY_STORE("the median of small changes, and of their way to a watcher")
{
    Fixture fixture;
    Register site(fixture.store);
    must(site.make(asked(site, sample_site), "first", anna));
    const std::unique_ptr<Follower> follower = must(ConfigurationReader(fixture.store).follow(1));
    std::vector<double> writes, deliveries;
    for (int i = 0; i < 200; ++i) {
        const Delta delta = asked(site, fmt::format("[host.h2]\nlocation = \"room {}\"\n", i));
        const auto began = std::chrono::steady_clock::now();
        must(site.make(delta, fmt::format("{}", i), anna));
        const auto made = std::chrono::steady_clock::now();
        while (must(follower->next(1s)).empty()) {
        }
        const auto delivered = std::chrono::steady_clock::now();
        writes.push_back(std::chrono::duration<double, std::milli>(made - began).count());
        deliveries.push_back(std::chrono::duration<double, std::milli>(delivered - made).count());
    }
    std::ranges::sort(writes);
    std::ranges::sort(deliveries);
    MESSAGE("write " << writes[100] << " ms, to the watcher " << deliveries[100] << " ms");
    CHECK(writes[100] < 50);
}

}  // namespace
}  // namespace belay::framework::configuration
