// Who knows the snapshots of a repository is told when there are others.

#include "team.h"

#include <thread>

namespace belay::media {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* list = "/team/r/snapshots/";

/// What follows a header's name on its line; empty: it is not there.
std::string header_of(const std::string& head, const std::string& name)
{
    const size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const size_t from = at + name.size() + 4;
    return head.substr(from, head.find('\r', from) - from);
}

std::string tag_of(Team& team, const std::string& headers = {})
{
    REQUIRE(team.ask("GET", list, "anna", "", headers) == 200);
    return header_of(team.head, "ETag");
}

std::string known(const std::string& tag, const std::string& wait = {})
{
    return fmt::format("If-None-Match: {}\r\n{}", tag, wait.empty() ? "" : "Prefer: wait=" + wait + "\r\n");
}

/// One who waits, and has been taken in by the server as such.
std::unique_ptr<Wire> waiter(const Team& team, const std::string& tag, const std::string& wait = "30",
                             const std::string& account = "anna")
{
    const uint64_t before = team.site.status().at("waiting");
    auto wire = std::make_unique<Wire>(team.site);
    REQUIRE(wire->send(request("GET", list, account, "", known(tag, wait))));
    for (const auto until = Clock::now() + 20s; team.site.status().at("waiting") == before;)
        REQUIRE(Clock::now() < until);
    return wire;
}

void await_waiters(const Team& team, uint64_t wanted)
{
    for (const auto until = Clock::now() + 20s; team.site.status().at("waiting") != wanted;)
        REQUIRE(Clock::now() < until);
}

TEST_CASE("the list of snapshots has a tag, and is not sent again to who knows it")
{
    Team team;
    const std::string none = tag_of(team);
    CHECK(team.said == "[]");
    REQUIRE(none.size() == 66);
    CHECK(team.ask("GET", list, "carl", "", known(none)) == 304);
    CHECK(team.said.empty());
    CHECK(header_of(team.head, "ETag") == none);
    CHECK(team.ask("HEAD", list, "anna", "", known("\"x\", W/" + none)) == 304);
    CHECK(team.ask("HEAD", list, "anna") == 200);
    CHECK(header_of(team.head, "ETag") == none);

    REQUIRE(team.save("snapshots", "one") == 200);
    REQUIRE(team.save("snapshots", "two") == 200);
    CHECK(team.ask("GET", list, "anna", "", known(none)) == 200);
    const std::string some = header_of(team.head, "ETag");
    CHECK(some != none);
    const auto [first, second] = std::minmax({sha256("one"), sha256("two")});
    CHECK(team.said == fmt::format(R"(["{}","{}"])", first, second));
    CHECK(team.ask("GET", list, "anna", "", known(some)) == 304);
    INFO("the other version of the list is another thing");
    const std::string version_2 = "Accept: application/vnd.x.restic.rest.v2\r\n";
    CHECK(team.ask("GET", list, "anna", "", version_2 + known(some)) == 200);
    CHECK(must(parse_json(team.said)).at(1) == Json({{"name", second}, {"size", 3}}));
    const std::string with_sizes = header_of(team.head, "ETag");
    CHECK(team.ask("GET", list, "anna", "", version_2 + known(with_sizes)) == 304);
    INFO("it says what is there, and not when");
    REQUIRE(team.ask("DELETE", list + sha256("one"), "anna") == 200);
    REQUIRE(team.ask("DELETE", list + sha256("two"), "anna") == 200);
    CHECK(tag_of(team) == none);
    INFO("other lists have none");
    CHECK(team.ask("GET", "/team/r/keys/", "anna", "", "If-None-Match: *\r\n") == 200);
}

TEST_CASE("who knows another list, or none, is answered at once; who knows it, when the time is over")
{
    Team team;
    const std::string tag = tag_of(team);
    auto begun = Clock::now();
    CHECK(team.ask("GET", list, "anna", "", known("\"another\"", "30")) == 200);
    CHECK(header_of(team.head, "Preference-Applied").empty());
    CHECK(team.ask("GET", list, "anna", "", "Prefer: wait=30\r\n") == 200);
    CHECK(team.ask("GET", list, "anna", "", known(tag, "0")) == 304);
    CHECK(team.ask("GET", list, "anna", "", known(tag, "long")) == 304);
    CHECK(header_of(team.head, "Preference-Applied").empty());
    INFO("strangers, and who may not come into the space");
    team.site.belay({"media", "revoke", "carl", "team"});
    CHECK(team.ask("GET", list, "", "", known(tag, "30")) == 401);
    CHECK(team.ask("GET", list, "carl", "", known(tag, "30")) == 403);
    CHECK(team.ask("GET", "/team/none/snapshots/", "anna", "", known(tag, "30")) == 404);
    CHECK(Clock::now() - begun < 20s);

    begun = Clock::now();
    CHECK(team.ask("GET", list, "anna", "", known(tag, "1")) == 304);
    CHECK(Clock::now() - begun >= 900ms);
    CHECK(header_of(team.head, "Preference-Applied") == "wait=1");
    CHECK(header_of(team.head, "ETag") == tag);
    INFO("said in two lines, beside others; and the connection is as good as before");
    Wire wire(team.site);
    begun = Clock::now();
    for (int again = 0; again < 2; ++again) {
        REQUIRE(wire.send(request("GET", list, "anna", "",
                                  "If-None-Match: \"x\"\r\nPrefer: respond-async\r\nIf-None-Match: " + tag +
                                      "\r\nPREFER: Wait=1\r\n")));
        CHECK(wire.answer() == 304);
    }
    CHECK(Clock::now() - begun >= 1900ms);
}

TEST_CASE("who waits is told of each change at once, whoever makes it")
{
    Team team;
    const std::string none = tag_of(team);
    const std::string file = team.file("snapshots", "one");
    const auto told = [&](const std::string& tag, const std::function<void()>& change) {
        const std::unique_ptr<Wire> wire = waiter(team, tag, "1000");
        const auto begun = Clock::now();
        change();
        REQUIRE(wire->answer() == 200);
        CHECK(Clock::now() - begun < 10s);
        CHECK(header_of(wire->head, "Preference-Applied") == "wait=60");
        CHECK(header_of(wire->head, "ETag") != tag);
        return header_of(wire->head, "ETag");
    };
    const std::string one = told(none, [&] { REQUIRE(team.save("snapshots", "one", "bert") == 200); });
    CHECK(told(one, [&] { REQUIRE(team.ask("DELETE", list + sha256("one"), "anna") == 200); }) == none);
    INFO("by another program: made there, moved there, removed, the whole folder moved away");
    CHECK(told(none, [&] { std::ofstream(file) << "one"; }) == one);
    CHECK(told(one, [&] { std::filesystem::remove(file); }) == none);
    team.site.scratch().write("data/team/r/elsewhere", "one");
    CHECK(told(none, [&] {
              std::filesystem::rename(team.site.scratch().path("data/team/r/elsewhere"), file);
          }) == one);
    const std::string folder = team.site.scratch().path("data/team/r/snapshots");
    CHECK(told(one, [&] { std::filesystem::rename(folder, folder + "-before"); }) == none);
    std::filesystem::rename(folder + "-before", folder);

    INFO("what is no snapshot, and another repository's, change nothing");
    REQUIRE(team.ask("POST", "/team/s/?create=true", "anna") == 200);
    const std::unique_ptr<Wire> wire = waiter(team, one, "2");
    std::ofstream(folder + "/foreign") << "x";
    REQUIRE(team.ask("POST", "/team/s/snapshots/" + sha256("two"), "anna", "two") == 200);
    REQUIRE(team.save("locks", "a lock") == 200);
    CHECK(wire->answer() == 304);
    CHECK(header_of(wire->head, "Preference-Applied") == "wait=2");

    INFO("shut out while it waits");
    const std::unique_ptr<Wire> carl = waiter(team, one, "30", "carl");
    team.site.belay({"media", "revoke", "carl", "team"});
    REQUIRE(team.save("snapshots", "three") == 200);
    CHECK(carl->answer() == 403);
    await_waiters(team, 0);
}

TEST_CASE("a follower with curl sees what restic saves over TLS, and beside the server")
{
    const MediaSite site;
    site.add("anna", "anna", "full");
    site.restic("anna", "anna/laptop", {"init"});
    site.scratch().write("file", "content");
    const auto follow = [&](std::vector<std::string> more) {
        std::vector<std::string> argv = {
            "curl",
            "-s",
            "--cacert",
            site.certificate(),
            "-u",
            "anna:open sesame",
            "-D",
            "-",
            fmt::format("https://127.0.0.1:{}/anna/laptop/snapshots/", site.port())};
        argv.insert(argv.end(), more.begin(), more.end());
        return Scratch::run(argv);
    };
    std::string tag = header_of(follow({}), "ETag");
    const auto saves = [&](const std::vector<std::string>& argv) {
        std::string told;
        Clock::time_point at;
        std::jthread follower([&] {
            told = follow({"-H", "If-None-Match: " + tag, "-H", "Prefer: wait=50"});
            at = Clock::now();
        });
        for (const auto until = Clock::now() + 20s; site.status().at("waiting") == 0;)
            REQUIRE(Clock::now() < until);
        Scratch::run(argv);
        const auto saved = Clock::now();
        follower.join();
        CHECK_MESSAGE(told.find("HTTP/1.1 200") != std::string::npos, told);
        CHECK(header_of(told, "Preference-Applied") == "wait=50");
        CHECK(at < saved + 10s);
        CHECK(header_of(told, "ETag") != tag);
        tag = header_of(told, "ETag");
    };
    saves(site.client("restic", "anna", "anna/laptop", {"backup", site.scratch().path("file")}));
    saves(site.client(BELAY_PROGRAM, "anna", "anna/laptop", {"run", site.scratch().path("file")}));
    const std::string folder = site.scratch().path("data/anna/laptop");
    const std::string password = site.scratch().path("password");
    saves({"env", "restic", "-r", folder, "--password-file", password, "--no-cache", "backup",
           site.scratch().path("file")});
    saves({"env", BELAY_PROGRAM, "backup", "-r", folder, "--password-file", password, "--no-cache", "run",
           site.scratch().path("file")});
    saves(site.client("restic", "anna", "anna/laptop", {"forget", "--keep-last", "1", "--group-by", ""}));
}

TEST_CASE("who waits longer than others may be silent is not cut for that")
{
    Team team;
    const std::string tag = tag_of(team);
    // A stranger is cut after 15 s, and so is who has never been here on this connection.
    Wire wire(team.site);
    REQUIRE(wire.send(request("GET", list, "anna", "", known(tag, "17"))));
    CHECK(wire.answer(30s) == 304);
    CHECK(header_of(wire.head, "Preference-Applied") == "wait=17");
    REQUIRE(wire.send(request("GET", list, "anna")));
    CHECK(wire.answer() == 200);
}

size_t threads_of(pid_t process)
{
    const std::filesystem::directory_iterator tasks(fmt::format("/proc/{}/task", process));
    return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_CASE("many wait, and take no thread; more than may are answered at once")
{
    Team team({"--connections", "1600"});
    const std::string tag = tag_of(team);
    const size_t threads = threads_of(team.site.pid());
    constexpr size_t most = 400;
    std::vector<std::unique_ptr<Wire>> crowd;
    for (size_t i = 0; i < most; ++i) {
        crowd.push_back(std::make_unique<Wire>(team.site));
        REQUIRE(crowd.back()->send(request("GET", list, "anna", "", known(tag, "60"))));
    }
    await_waiters(team, most);
    CHECK(threads_of(team.site.pid()) == threads);
    CHECK(team.ask("GET", list, "anna", "", known(tag, "60")) == 304);
    CHECK(header_of(team.head, "Preference-Applied").empty());
    INFO("who goes makes room");
    crowd.back()->hang_up();
    crowd.pop_back();
    await_waiters(team, most - 1);
    crowd.push_back(waiter(team, tag, "60"));
    REQUIRE(team.save("snapshots", "one") == 200);
    for (const std::unique_ptr<Wire>& wire : crowd) {
        CHECK(wire->answer() == 200);
        CHECK(header_of(wire->head, "Preference-Applied") == "wait=60");
    }
    CHECK(team.site.status().at("waiting") == 0);
    CHECK(team.ask("GET", list, "anna") == 200);
}

TEST_CASE("a server that is told to end keeps nobody waiting")
{
    Team team;
    const std::string tag = tag_of(team);
    std::vector<std::unique_ptr<Wire>> crowd;
    for (int i = 0; i < 20; ++i) crowd.push_back(waiter(team, tag, "60"));
    const auto begun = Clock::now();
    CHECK(team.site.end(SIGTERM) == 0);
    CHECK(Clock::now() - begun < 10s);
    for (const std::unique_ptr<Wire>& wire : crowd) {
        CHECK(wire->answer() == 304);
        CHECK(header_of(wire->head, "Preference-Applied").empty());
        CHECK(header_of(wire->head, "Connection") == "close");
    }
}

}  // namespace
}  // namespace belay::media
