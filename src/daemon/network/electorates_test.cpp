// Who votes for a pair, over the steps in which that becomes others.

#include "daemon/network/electorates.h"

#include "framework/configuration/testing/sample.h"
#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::daemon {
namespace {

using namespace std::chrono_literals;
using framework::configuration::Configuration;
using framework::configuration::site_of;

std::string site_with(const std::string& second)
{
    std::string text;
    for (const char* host : {"a", "b", "c", "d"})
        text += fmt::format("[host.{}]\naddress = \"{}.example\"\n", host, host);
    text += "[application.one]\nhost = \"a\"\ncommand = [\"x\"]\n";
    text += fmt::format("[application.two]\nhost = \"{}\"\ncommand = [\"x\"]\n", second);
    return text + "[pair.both]\nprimary = \"one\"\nbackup = \"two\"\nredundancy = \"cold\"\nlease = \"1s\"\n";
}

/// The hosts of a site, which go by what they are told.
class Hosts {
  public:
    explicit Hosts(const std::string& text) : configuration(site_of(text)) {}

    void come(const std::string& name)
    {
        hosts[name].key = {{"key", "key of " + name}, {"port", 7434}};
        hosts[name].attached = true;
    }
    Electorates::Told look(const std::string& own = "c")
    {
        told = electorates.told(store, configuration, hosts, own, now);
        return told;
    }
    /// That one takes in what it was told last.
    void take_in(const std::string& name)
    {
        hosts[name].pairs = Json::array();
        if (!told.hosts.contains(name)) return;
        for (const Json& pair : told.hosts[name]["pairs"])
            hosts[name].pairs.push_back(
                {{"pair", pair["pair"]}, {"epoch", pair["epoch"]}, {"retired", pair["retired"]}});
    }
    /// "1: a b c", of those who are told so.
    std::string members(const std::string& name)
    {
        if (!told.hosts.contains(name)) return "";
        const Json& pair = told.hosts[name]["pairs"][0];
        std::string text = fmt::format("{}:", pair["epoch"].get<uint64_t>());
        for (const Json& member : pair["members"])
            text += " " + configuration.find(member["host"].get<int64_t>())->name;
        return text;
    }

    Configuration configuration;
    store::MemoryStore store{{.boot = "1", .now = [] { return Milliseconds{0}; }}};
    Electorates electorates;
    std::map<std::string, VotingHost> hosts;
    Electorates::Told told;
    Milliseconds now = 100s;
};

}  // namespace

TEST_CASE("electorates: the two and a third, when they have been there once")
{
    Hosts site(site_with("b"));
    site.come("a");
    CHECK(site.look().hosts.empty());
    CHECK(site.told.problems.size() == 1);
    site.come("b");
    CHECK(site.look().problems.empty());
    CHECK(site.members("a") == "1: a b");
    CHECK(site.members("b") == "1: a b");
    CHECK(site.told.hosts["a"]["pairs"][0]["own"].size() == 1);
    CHECK(site.told.hosts["a"]["pairs"][0]["members"][1]["address"] == "b.example");
    // The controller's own is the third, also where another was there earlier.
    site.come("d");
    site.come("c");
    site.look();
    CHECK(site.members("c") == "2: a b c");
    CHECK(site.told.hosts["c"]["pairs"][0]["own"].empty());
    CHECK_FALSE(site.told.hosts.contains("d"));
    // It stays the third where another controller leads, or it is away.
    site.hosts["c"] = {};
    site.look("d");
    CHECK(site.members("a") == "2: a b c");
    // Another key is told, and is no other voter.
    site.hosts["a"].key["port"] = 9;
    site.look("d");
    CHECK(site.members("b") == "2: a b c");
    CHECK(site.told.hosts["b"]["pairs"][0]["members"][0]["port"] == 9);
}

TEST_CASE("electorates: the third is exchanged by way of none, when nobody counts its votes any more")
{
    Hosts site(site_with("b"));
    for (const char* name : {"a", "b", "c", "d"}) site.come(name);
    site.look();
    REQUIRE(site.members("a") == "1: a b c");
    for (const char* name : {"a", "b", "c", "d"}) site.take_in(name);
    // c leaves the site.
    std::string text = site_with("b");
    text.replace(text.find("[host.c]"), std::string("[host.c]").size(), "[host.c]\ndisabled = true");
    site.configuration = site_of(text);
    site.look("d");
    CHECK(site.members("a") == "2: a b");
    site.take_in("a");
    site.hosts["c"].attached = false;
    // b still goes by the three, and so would c.
    site.look("d");
    CHECK(site.members("a") == "2: a b");
    site.take_in("b");
    site.look("d");
    CHECK(site.members("a") == "3: a b d");
    CHECK(site.told.problems.empty());
}

TEST_CASE(
    "electorates: other hosts of the two vote when most of those before vote no more, and a lease has passed")
{
    Hosts site(site_with("b"));
    for (const char* name : {"a", "b", "c", "d"}) site.come(name);
    site.look();
    for (const char* name : {"a", "b", "c"}) site.take_in(name);
    site.configuration = site_of(site_with("d"));
    site.look();
    CHECK(site.told.problems.size() == 1);
    CHECK(site.members("a") == "1:");
    CHECK(site.told.hosts["b"]["pairs"][0]["retired"] == true);
    CHECK_FALSE(site.told.hosts.contains("d"));
    site.take_in("a");
    CHECK_FALSE(site.look().again_after);
    // b is lost; two of three are enough.
    site.hosts["b"].attached = false;
    site.take_in("c");
    REQUIRE(site.look().again_after);
    CHECK(*site.told.again_after == 2s);
    CHECK(site.members("a") == "1:");
    site.now += 2s;
    site.look();
    CHECK(site.members("d") == "2: a d c");
    CHECK(site.members("a") == "2: a d c");
    CHECK_FALSE(site.told.hosts.contains("b"));
    CHECK(site.told.problems.empty());
}

TEST_CASE("electorates: two on one host decide alone")
{
    Hosts site(site_with("a"));
    for (const char* name : {"a", "b", "c"}) site.come(name);
    CHECK(site.look().hosts.empty());
    CHECK(site.told.problems.empty());
}

}  // namespace belay::daemon
