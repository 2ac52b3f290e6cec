// Many clients of a media server at once, good and bad ones.

#include "base/digest.h"
#include "media_site.h"

#include <algorithm>
#include <map>
#include <sys/resource.h>
#include <thread>

namespace belay::media {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A program with its arguments; its exit code.
int exit_code_of(std::vector<std::string> argv)
{
    const std::unique_ptr<host::Host> machine = host::real_host();
    host::Command command{.argv = std::move(argv), .effect = host::Effect::changes};
    command.limit = 4min;
    const Result<host::Outcome> outcome = machine->run(command);
    return outcome ? outcome->exit_code : -1;
}

TEST_CASE(
    "20 clients back up at once while the server is killed and restarted: nothing that was finished is lost")
{
    MediaSite site;
    constexpr unsigned clients = 20, rounds = 2;
    site.scratch().write("nothing", "");
    for (unsigned client = 0; client < clients; ++client) {
        const std::string name = fmt::format("client-{}", client);
        site.add(name, name, client % 3 == 0 ? "full" : "append");
        std::filesystem::create_directories(site.scratch().path("trees/" + name));
        for (unsigned i = 0; i < 30; ++i)
            site.scratch().write(fmt::format("trees/{}/{}", name, i),
                                 Scratch::random_text(size_t{20'000} * (i % 7 + 1), client * 1000 + i));
    }
    for (unsigned client = 0; client < clients; ++client) {
        const std::string name = fmt::format("client-{}", client);
        Scratch::run(site.client(client % 2 == 0 ? "restic" : BELAY_PROGRAM, name, name + "/r", {"init"}));
    }
    std::atomic<bool> is_over = false;
    std::atomic<unsigned> kills = 0;
    std::map<std::string, unsigned> finished;
    std::mutex mutex;
    std::vector<std::jthread> threads;
    for (unsigned client = 0; client < clients; ++client)
        threads.emplace_back([&, client] {
            const std::string name = fmt::format("client-{}", client);
            const bool is_restic = client % 2 == 0;
            for (unsigned round = 0; round < rounds; ++round) {
                std::ofstream(site.scratch().path(fmt::format("trees/{}/round", name))) << round << client;
                const int code = exit_code_of(
                    site.client(is_restic ? "restic" : BELAY_PROGRAM, name, name + "/r",
                                {is_restic ? "backup" : "run", site.scratch().path("trees/" + name)}));
                if (code != 0) continue;
                const std::lock_guard lock(mutex);
                ++finished[name];
            }
        });
    std::jthread killer([&] {
        while (!is_over) {
            std::this_thread::sleep_for(700ms);
            site.end(SIGKILL);
            std::this_thread::sleep_for(50ms);
            site.start();
            ++kills;
        }
    });
    threads.clear();
    is_over = true;
    killer.join();
    // The last server ended with the thread that had started it.
    site.end(SIGKILL);
    site.start();
    CHECK(kills >= 2);
    unsigned all_finished = 0;
    for (unsigned client = 0; client < clients; ++client) {
        const std::string name = fmt::format("client-{}", client);
        INFO(name);
        all_finished += finished[name];
        // What a client that gave up has left is a lock, or packs that no index names.
        if (client % 3 == 0) site.restic(name, name + "/r", {"unlock", "--remove-all"});
        const Json snapshots =
            must(parse_json(site.restic(name, name + "/r", {"snapshots", "--json", "--no-lock"})));
        CHECK(snapshots.size() >= finished[name]);
        site.restic(name, name + "/r", {"check", "--read-data", "--no-lock"});
        if (finished[name] == 0) continue;
        const std::string target = site.scratch().path("restored");
        site.restic(name, name + "/r", {"restore", "latest", "--target", target, "--no-lock"});
        const std::string folder = site.scratch().path("trees/" + name);
        // The last round may not have finished: its word differs.
        Scratch::run({"diff", "-r", "--exclude=round", folder, target + folder});
        std::filesystem::remove_all(target);
    }
    MESSAGE(all_finished, " of ", clients * rounds, " backups finished beside ", kills.load(), " kills");
    CHECK(all_finished >= clients);
}

/// How long a request takes that reads a megabyte: in the middle of some, and at most.
struct Reads {
    std::chrono::milliseconds middle, longest;
};
Reads reads_of(const MediaSite& site, const std::string& path)
{
    std::vector<std::chrono::milliseconds> all;
    for (int i = 0; i < 31; ++i) {
        const auto begun = Clock::now();
        Wire wire(site);
        REQUIRE(wire.send(request("GET", path, "anna")));
        REQUIRE(wire.answer() == 200);
        all.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun));
    }
    std::ranges::sort(all);
    return {.middle = all[all.size() / 2], .longest = all.back()};
}

TEST_CASE("ten thousand connections, slow readers and slow writers hold up nobody")
{
    const MediaSite site({.tls = false});
    site.add("anna", "team", "full");
    const std::string content = Scratch::random_text(1 << 20, 3);
    const std::string path = "/team/r/data/" + sha256(content);
    {
        Wire wire(site);
        REQUIRE(wire.send(request("POST", "/team/r/?create=true", "anna")));
        REQUIRE(wire.answer() == 200);
        Wire second(site);
        REQUIRE(second.send(request("POST", path, "anna", content)));
        REQUIRE(second.answer() == 200);
    }
    const Reads alone = reads_of(site, path);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    // Of more than the server may have, new ones wait until silent ones are cut: that is not meant here.
    const size_t room = std::min<size_t>(limit.rlim_cur - 500, site.status().at("most_connections"));
    const size_t wanted = std::min<size_t>(10'000, room - room / 10);
    std::vector<Wire> crowd;
    crowd.reserve(wanted);
    // Silent ones, heads that never end, uploads that hang, readers that do not read.
    const std::string whole = request("POST", "/team/r/data/" + sha256("x"), "anna", std::string(5000, 'x'));
    for (size_t i = 0; i < wanted; ++i) {
        Wire& wire = crowd.emplace_back(site, fmt::format("127.0.0.{}", 2 + i % 200));
        if (i % 4 == 1) CHECK(wire.send("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "));
        if (i % 4 == 2) CHECK(wire.send(std::string_view(whole).substr(0, whole.size() - 4000)));
        if (i % 4 == 3) CHECK(wire.send(request("GET", path, "anna")));
    }
    // The server takes them in as it comes to it, and the silent ones are cut after 15 s.
    size_t most = 0;
    for (const auto until = Clock::now() + 20s; most < wanted / 2 && Clock::now() < until;)
        most = std::max(most, site.status().at("connections").get<size_t>());
    CHECK(most >= wanted / 2);
    const Reads beside = reads_of(site, path);
    MESSAGE(most, " connections: a read took ", beside.middle.count(), " ms, at most ",
            beside.longest.count(), " ms; alone ", alone.middle.count(), " ms, at most ",
            alone.longest.count(), " ms");
    // What a machine at work may take by itself: one that waits for a slow client waits a minute.
    CHECK(beside.middle < 1s);
    CHECK(beside.longest < 10s);
    Wire wire(site);
    const std::string more = Scratch::random_text(1 << 20, 4);
    REQUIRE(wire.send(request("POST", "/team/r/data/" + sha256(more), "anna", more)));
    CHECK(wire.answer() == 200);
}

TEST_CASE("wrong passwords of one address make others wait for nothing")
{
    const MediaSite site({.tls = false});
    site.add("anna", "team", "full");
    std::atomic<bool> is_over = false;
    std::vector<std::jthread> guessers;
    for (int i = 0; i < 8; ++i)
        guessers.emplace_back([&] {
            while (!is_over) {
                Wire wire(site, "127.0.0.9");
                if (!wire.send(request("GET", "/team/r/config", "", "",
                                       "Authorization: Basic YW5uYTp3cm9uZw==\r\n")))
                    continue;
                CHECK(wire.answer() != 200);
            }
        });
    std::this_thread::sleep_for(500ms);
    for (int i = 0; i < 20; ++i) {
        const auto begun = Clock::now();
        Wire wire(site);
        REQUIRE(wire.send(request("GET", "/team/r/config", "anna")));
        CHECK(wire.answer() == 404);
        CHECK(Clock::now() - begun < 5s);
    }
    Wire guess(site, "127.0.0.9");
    REQUIRE(guess.send(request("GET", "/team/r/config", "anna")));
    // That address has to wait, also with the right one; who has shown it before from elsewhere is known.
    CHECK(guess.answer() == 404);
    is_over = true;
}

}  // namespace
}  // namespace belay::media
