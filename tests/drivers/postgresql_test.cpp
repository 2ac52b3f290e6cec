// A PostgreSQL pair for real, moved under clients that keep what was acknowledged: nothing is lost, nothing
// doubled, also where the driver is killed, or the power of its host goes, at any instant of a move.
//
// BELAY_PAIR_ROUNDS: how many moves (10).

#include "own_network.h"
#include "postgresql_pair.h"

#include <map>
#include <random>
#include <sys/mount.h>
#include <sys/stat.h>

namespace belay {
namespace {

using namespace std::chrono_literals;
using daemon::testing::Ran;
using daemon::testing::run_to_end;
using testing::check_nothing_lost;
using testing::has_postgresql;
using testing::load_of_clients;
using testing::PostgresqlPair;
using upgrade::driver::Look;
using upgrade::driver::Role;

int rounds()
{
    const char* const asked = std::getenv("BELAY_PAIR_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
    return asked == nullptr ? 10 : std::stoi(asked);
}

TEST_CASE("a PostgreSQL pair is switched over under load: no transaction is lost, none is there twice")
{
    if (!has_postgresql()) return;
    testing::have_own_network();
    const PostgresqlPair pair;
    testing::Load load = load_of_clients();
    char serves = pair.settle();
    CHECK(serves == 'a');
    std::vector<int64_t> took;
    for (int round = 0; round < rounds(); ++round) {
        CAPTURE(round);
        const auto begun = std::chrono::steady_clock::now();
        const Ran moved = pair.driver(serves, {"stand-by"});
        took.push_back(
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun)
                .count());
        REQUIRE_MESSAGE(moved.code == 0, moved.said);
        serves = PostgresqlPair::other_of(serves);
        REQUIRE(pair.settle() == serves);
    }
    std::ranges::sort(took);
    MESSAGE(took.size(), " moves, half of them within ", took[took.size() / 2], " ms, the longest ",
            took.back(), " ms");
    check_nothing_lost(load);
}

TEST_CASE(
    "a driver that is killed at any instant of a move, or whose host loses power, is run again and ends it")
{
    if (!has_postgresql()) return;
    testing::have_own_network();
    const PostgresqlPair pair;
    testing::Load load = load_of_clients();
    std::mt19937 random(4711);
    char serves = pair.settle();
    std::map<bool, int> moved;
    for (int round = 0; round < rounds(); ++round) {
        const bool power = round % 2 == 1;
        const int after_ms = static_cast<int>(random() % 700);
        CAPTURE(round);
        CAPTURE(after_ms);
        const char member = serves;
        const pid_t driver = daemon::testing::spawn(pair.with_programs(member, {"stand-by"}),
                                                    {daemon::testing::plain_path}, {});
        std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
        kill(driver, SIGKILL);
        daemon::testing::code_of(driver);
        if (power) {
            pair.cut_power(member);
            pair.boot(member);
        }
        Ran again = pair.driver(member, {"stand-by"});
        // A member that has just started has no standby that streams yet: refused, and nothing is changed.
        for (int tries = 0; again.code == 1 && tries < 100; ++tries) {
            std::this_thread::sleep_for(100ms);
            again = pair.driver(member, {"stand-by"});
        }
        CHECK_MESSAGE(again.code == 0, again.said);
        serves = pair.settle();
        CHECK(serves == PostgresqlPair::other_of(member));
    }
    check_nothing_lost(load);
}

TEST_CASE("a primary whose standby is away, or stands still, goes on serving")
{
    if (!has_postgresql()) return;
    testing::have_own_network();
    const PostgresqlPair pair;
    CHECK(pair.settle() == 'a');
    CHECK(pair.driver('a', {"restart"}).said ==
          fmt::format("belay-driver: {} serves (stand-by comes first)\n", pair.path("a")));
    CHECK(pair.sql('b', "SELECT pg_wal_replay_pause()").code == 0);
    const Ran still = pair.driver('a', {"stand-by"});
    CHECK(still.code == 1);
    CHECK(still.said.find("the peer's replay is paused") != std::string::npos);
    CHECK(pair.sql('b', "SELECT pg_wal_replay_resume()").code == 0);
    CHECK(pair.settle() == 'a');

    INFO("what would not read its files is not started in its place");
    std::ofstream(pair.path("b/PG_VERSION")) << "14\n";
    const Ran other_major = pair.driver('b', {"restart"});
    CHECK(other_major.code == 1);
    CHECK_MESSAGE(other_major.said.find(
                      "is of PostgreSQL 14, and what would be started is postgres (PostgreSQL) 15.") !=
                      std::string::npos,
                  other_major.said);
    CHECK(pair.look('b').role == Role::standby);
    std::ofstream(pair.path("b/PG_VERSION")) << "15\n";

    const Ran restarted = pair.driver('b', {"restart"});
    CHECK_MESSAGE(restarted.code == 0, restarted.said);
    CHECK(pair.settle() == 'a');
    pair.cut_power('b');
    const Ran away = pair.driver('a', {"stand-by"});
    CHECK(away.code == 1);
    CHECK(away.said.find("the peer does not answer") != std::string::npos);
    const Look look = pair.look('a');
    CHECK(look.role == Role::active);
    CHECK_FALSE(look.hot);
    CHECK(look.peer == upgrade::driver::Reach::unreachable);

    INFO("stopped before it gave up: it serves again");
    CHECK(pair.stop('a').code == 0);
    CHECK(pair.look('a').role == Role::none);
    const Ran back = pair.driver('a', {"stand-by"});
    CHECK(back.code == 1);
    CHECK(back.said.find("serves again") != std::string::npos);
    CHECK(pair.look('a').role == Role::active);

    INFO("given up, and nobody knows whether the peer was promoted: it does not serve");
    CHECK(pair.stop('a').code == 0);
    std::ofstream(pair.path("a/standby.signal")).close();
    const Ran unknown = pair.driver('a', {"stand-by"});
    CHECK(unknown.code == 1);
    CHECK(unknown.said.find("may have been promoted") != std::string::npos);
    CHECK(pair.look('a').role == Role::standby);
    pair.boot('b');
    const Ran ended = pair.driver('a', {"stand-by"});
    CHECK_MESSAGE(ended.code == 0, ended.said);
    CHECK(pair.settle() == 'b');
}

TEST_CASE(
    "a primary that was left behind by a fail-over is made a standby by pg_rewind, when a person says so")
{
    if (!has_postgresql()) return;
    testing::have_own_network();
    const PostgresqlPair pair;
    CHECK(pair.settle() == 'a');
    const auto write = [&](char member, int number) {
        const Ran wrote = pair.sql(member, fmt::format("INSERT INTO acknowledged VALUES ({}, 1)", number));
        REQUIRE_MESSAGE(wrote.code == 0, wrote.said);
    };
    for (const bool clean : {true, false}) {
        CAPTURE(clean);
        const char old = pair.settle(), taken = PostgresqlPair::other_of(old);
        write(old, 1);
        CHECK(pair.settle() == old);
        pair.cut_power(taken);
        write(old, 2);
        if (clean)
            CHECK(pair.stop(old).code == 0);
        else
            pair.cut_power(old);
        pair.boot(taken);
        CHECK(pair.sql(taken, "SELECT pg_promote()").code == 0);
        write(taken, 3);

        const Ran refused = pair.driver(old, {"stand-by"});
        CHECK(refused.code == 1);
        CHECK_MESSAGE(refused.said.find("may have transactions that its peer, which serves, lacks") !=
                          std::string::npos,
                      refused.said);
        CHECK(pair.look(old).role == Role::none);
        const Ran rewound = pair.driver(old, {"--rewind", "stand-by"});
        CHECK_MESSAGE(rewound.code == 0, rewound.said);
        CHECK(pair.settle() == taken);
        CHECK(pair.sql(old, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM acknowledged").out ==
              pair.sql(taken, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM acknowledged").out);
        CHECK(pair.sql(taken, "DELETE FROM acknowledged").code == 0);
    }
    INFO("and is moved as ever");
    const char serves = pair.settle();
    CHECK(pair.driver(serves, {"stand-by"}).code == 0);
    CHECK(pair.settle() == PostgresqlPair::other_of(serves));

    INFO("two that serve are left to a person");
    const char other = serves;
    CHECK(pair.sql(other, "SELECT pg_promote()").code == 0);
    const Ran both = pair.driver(other, {"stand-by"});
    CHECK(both.code == 1);
    CHECK(both.said.find("a person must decide") != std::string::npos);
}

TEST_CASE("a synchronous PostgreSQL pair is switched over under load")
{
    if (!has_postgresql()) return;
    testing::have_own_network();
    const PostgresqlPair pair;
    for (const char member : {'a', 'b'}) {
        std::ofstream(pair.path(std::string(1, member)) + "/postgresql.conf", std::ios::app)
            << "synchronous_standby_names = '*'\n";
        CHECK(pair.stop(member).code == 0);
        pair.boot(member);
    }
    char serves = pair.settle();
    testing::Load load = load_of_clients();
    for (int round = 0; round < 4; ++round) {
        const Ran moved = pair.driver(serves, {"stand-by"});
        REQUIRE_MESSAGE(moved.code == 0, moved.said);
        serves = PostgresqlPair::other_of(serves);
        REQUIRE(pair.settle() == serves);
    }
    CHECK(pair.look(serves).says.find("and a commit waits for it") != std::string::npos);
    check_nothing_lost(load);
}

/// Debian's places for clusters are seen by this thread, and what it starts, alone.
class OwnClusters {
  public:
    OwnClusters()
    {
        REQUIRE(unshare(CLONE_NEWNS) == 0);
        REQUIRE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        REQUIRE(chmod(folder_.path().c_str(), 0755) == 0);
        for (const std::string name : {"etc", "var/lib", "var/log", "run"}) {
            const std::string place = "/" + name + "/postgresql", ours = folder_ / name;
            std::filesystem::create_directories(ours);
            std::filesystem::create_directories(place);
            REQUIRE(mount(ours.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) == 0);
            places_.push_back(place);
        }
        const Ran made = run_to_end({TEST_DRIVERS "/postgresql_debian"});
        REQUIRE_MESSAGE(made.code == 0, made.said);
    }
    ~OwnClusters()
    {
        for (const char* name : {"a", "b"}) run_to_end({"/usr/bin/pg_ctlcluster", "15", name, "stop"});
        for (const std::string& place : places_) umount2(place.c_str(), MNT_DETACH);
    }
    OwnClusters(const OwnClusters&) = delete;
    OwnClusters& operator=(const OwnClusters&) = delete;

    std::string path(const std::string& name) const { return folder_ / name; }
    static Ran driver(char member, const std::vector<std::string>& verb, const std::string& image = "")
    {
        std::vector<std::string> words = {
            TEST_DRIVER,
            "postgresql",
            "--cluster",
            fmt::format("15/{}", member),
            "--peer",
            fmt::format("host=127.0.0.1 port={} user=belay dbname=postgres", member == 'a' ? 7022 : 7021)};
        words.insert(words.end(), verb.begin(), verb.end());
        return run_to_end(words, "", {daemon::testing::plain_path, "BELAY_IMAGE_FOLDER=" + image});
    }

  private:
    store::ScratchFolder folder_;
    std::vector<std::string> places_;
};

TEST_CASE("a pair of Debian's clusters is switched over and back")
{
    if (!has_postgresql()) return;
    testing::have_own_network();
    const OwnClusters clusters;
    const Ran commands = OwnClusters::driver('a', {"commands", "stand-by"});
    CHECK(commands.out.find("\npg_ctlcluster 15 a stop -m fast -- -t 60\n") != std::string::npos);
    for (const char serves : {'a', 'b', 'a'}) {
        CAPTURE(serves);
        const char other = PostgresqlPair::other_of(serves);
        const auto is_hot = [&] {
            const auto look = upgrade::driver::parse_look(OwnClusters::driver(serves, {"look"}).out);
            return look && look->role == Role::active && look->hot && !look->starts_by_itself;
        };
        const auto until = std::chrono::steady_clock::now() + 60s;
        while (!is_hot()) REQUIRE(std::chrono::steady_clock::now() < until);
        const Ran restarted = OwnClusters::driver(other, {"restart"});
        CHECK_MESSAGE(restarted.code == 0, restarted.said);
        while (!is_hot()) REQUIRE(std::chrono::steady_clock::now() < until);
        const Ran moved = OwnClusters::driver(serves, {"stand-by"});
        CHECK_MESSAGE(moved.code == 0, moved.said);
    }
    INFO("with an image its programs run them, by Debian's configuration");
    const Ran made = run_to_end({TEST_POSTGRESQL_IMAGE, clusters.path("image"), "15.1", "15"});
    REQUIRE_MESSAGE(made.code == 0, made.said);
    const std::string image = clusters.path("image/root");
    const auto look = [&](char member) {
        const Ran looked = OwnClusters::driver(member, {"--starts-at-boot", "look"}, image);
        const auto read = upgrade::driver::parse_look(looked.out);
        REQUIRE_MESSAGE(read.has_value(), looked.said);
        return *read;
    };
    const auto becomes_hot = [&](char member) {
        const auto until = std::chrono::steady_clock::now() + 60s;
        while (!look(member).hot) REQUIRE(std::chrono::steady_clock::now() < until);
    };
    CHECK(look('a').runs_from == "/usr/lib/postgresql/15/bin/postgres");
    const Ran restarted = OwnClusters::driver('a', {"restart"}, image);
    CHECK_MESSAGE(restarted.code == 0, restarted.said);
    becomes_hot('b');
    const Ran moved = OwnClusters::driver('b', {"stand-by"}, image);
    CHECK_MESSAGE(moved.code == 0, moved.said);
    becomes_hot('a');
    for (const char member : {'a', 'b'}) {
        CHECK(look(member).role == (member == 'a' ? Role::active : Role::standby));
        CHECK(look(member).runs_from == image + "/lib/postgresql/15/bin/postgres");
        CHECK(look(member).starts_by_itself);
    }
    CHECK(run_to_end({"/usr/bin/pg_conftool", "15", "a", "show", "port"}).out == "port = 7021\n");

    INFO("one that Debian would start at a boot, by its own programs, does not start by itself");
    std::ofstream("/etc/postgresql/15/a/start.conf") << "auto\n";
    CHECK_FALSE(look('a').starts_by_itself);

    CHECK(OwnClusters::driver('c', {"look"}).said ==
          "belay-driver: no cluster 15/c on this host (pg_lsclusters)\n");
}

}  // namespace
}  // namespace belay
