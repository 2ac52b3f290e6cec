#include "daemon/network/fleet.h"

#include "base/testing/must.h"

#include <doctest/doctest.h>

namespace belay::daemon {
namespace {

FleetPair fleet_pair(const std::string& name, const std::string& standby_on, const std::string& active_on,
                     const std::string& image = "shop")
{
    const auto member = [&](const char* which, const std::string& host, bool serves) {
        return PairMember{
            .application = name + which, .host = host, .image = image, .user = "", .serves = serves};
    };
    return {.name = name, .members = {member("-s", standby_on, false), member("-a", active_on, true)}};
}

/// "web2: a-s; web1: a-a", turn by turn.
std::vector<std::string> turns_in(const Bunch& bunch)
{
    std::vector<std::string> all;
    for (const std::vector<HostTurn>& turn : bunch.turns) {
        std::string line;
        for (const HostTurn& host : turn) {
            line += (line.empty() ? "" : "; ") + host.host + ":";
            for (const PairMember& member : host.members) line += " " + member.application;
        }
        all.push_back(line);
    }
    return all;
}

using Turns = std::vector<std::string>;

TEST_CASE("pairs that share no host are on their own, what stands by first")
{
    const auto bunches = must(bunches_of({fleet_pair("a", "web2", "web1"), fleet_pair("b", "web3", "web4")}));
    REQUIRE(bunches.size() == 2);
    CHECK(turns_in(bunches[0]) == Turns{"web2: a-s", "web1: a-a"});
    CHECK(turns_in(bunches[1]) == Turns{"web3: b-s", "web4: b-a"});
    CHECK(bunches[0].turns[0][0].role() == "standby");
    CHECK(bunches[0].turns[1][0].role() == "active");
}

TEST_CASE("two pairs on the same two hosts have their turns host by host, whoever serves where")
{
    const auto alike = must(bunches_of({fleet_pair("a", "web2", "web1"), fleet_pair("b", "web2", "web1")}));
    REQUIRE(alike.size() == 1);
    CHECK(turns_in(alike[0]) == Turns{"web2: a-s b-s", "web1: a-a b-a"});

    const auto crossed = must(bunches_of({fleet_pair("a", "web2", "web1"), fleet_pair("b", "web1", "web2")}));
    REQUIRE(crossed.size() == 1);
    CHECK(crossed[0].pairs == std::vector<size_t>{0, 1});
    CHECK(turns_in(crossed[0]) == Turns{"web2: a-s b-a", "web1: b-s a-a"});
    CHECK(crossed[0].turns[0][0].role() == "active and standby");
}

TEST_CASE("no two hosts of a pair have their turn at once, however the pairs hang together")
{
    // A ring of three wants three turns, a chain of four two; a pair that joins two others makes them one.
    const auto ring = must(
        bunches_of({fleet_pair("a", "h1", "h2"), fleet_pair("b", "h2", "h3"), fleet_pair("c", "h3", "h1")}));
    REQUIRE(ring.size() == 1);
    CHECK(turns_in(ring[0]) == Turns{"h1: a-s c-a", "h2: b-s a-a", "h3: c-s b-a"});
    const auto chain = must(
        bunches_of({fleet_pair("a", "h1", "h2"), fleet_pair("b", "h3", "h4"), fleet_pair("c", "h2", "h3")}));
    REQUIRE(chain.size() == 1);
    CHECK(chain[0].pairs == std::vector<size_t>{0, 1, 2});
    CHECK(turns_in(chain[0]) == Turns{"h1: a-s; h3: b-s c-a", "h2: c-s a-a; h4: b-a"});
}

TEST_CASE("the two of a pair on one host have one turn, also beside a member of another pair")
{
    const auto alone = must(bunches_of({fleet_pair("a", "web1", "web1")}));
    CHECK(turns_in(alone.at(0)) == Turns{"web1: a-s a-a"});
    CHECK(alone[0].turns[0][0].whole_pair == "a");
    CHECK(alone[0].turns[0][0].role().empty());
    const auto both = must(bunches_of({fleet_pair("a", "web1", "web1"), fleet_pair("b", "web1", "web2")}));
    REQUIRE(both.size() == 1);
    CHECK(turns_in(both[0]) == Turns{"web1: a-s b-s a-a", "web2: b-a"});
    CHECK(both[0].turns[0][0].whole_pair.empty());
}

TEST_CASE("what cannot be upgraded together is said")
{
    CHECK(bunches_of({fleet_pair("a", "h1", "h2"), fleet_pair("a", "h1", "h2")}).error().what ==
          "the pair a stands there twice");
    CHECK(bunches_of({fleet_pair("a", "h1", "h2"), fleet_pair("b", "h3", "h1", "page")}).error().what ==
          "h1 has members of pairs that run from shop and from page");
}

TEST_CASE("who has to serve before a host has its turn follows from who has served until then")
{
    const std::vector<FleetPair> crossed = {fleet_pair("a", "web2", "web1"), fleet_pair("b", "web1", "web2")};
    const std::vector<Bunch> bunches = must(bunches_of(crossed));
    Serving serving(crossed);
    CHECK(serving.before(bunches[0].turns[0][0]) == std::vector<std::string>{"b-s"});
    CHECK(serving.before(bunches[0].turns[1][0]) == std::vector<std::string>{"b-a", "a-s"});

    const std::vector<FleetPair> one_host = {fleet_pair("a", "web1", "web1")};
    CHECK(Serving(one_host).before(must(bunches_of(one_host))[0].turns[0][0]).empty());
}

}  // namespace
}  // namespace belay::daemon
