// How many may come to a media server, and what becomes of uploads when it ends.

#include "team.h"

#include <thread>

namespace belay::media {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

void await_connections(const Team& team, uint64_t wanted)
{
    for (const auto until = Clock::now() + 10s; team.site.status().at("connections") != wanted;)
        REQUIRE(Clock::now() < until);
}

constexpr const char* config = "/team/r/config";

TEST_CASE("more connections than may be have to wait until there is room")
{
    Team team({"--connections", "16"});
    await_connections(team, 0);
    std::vector<std::unique_ptr<Wire>> silent;
    for (int i = 0; i < 16; ++i) silent.push_back(std::make_unique<Wire>(team.site));
    await_connections(team, 16);
    Wire late(team.site);
    REQUIRE(late.send(request("GET", config, "anna")));
    CHECK(late.answer(1s) == -1);
    CHECK(team.site.status().at("connections") == 16);
    // Of each thread that serves some.
    silent.clear();
    CHECK(late.answer() == 200);
}

TEST_CASE("one address has so many connections, and the others theirs")
{
    Team team({"--connections-per-address", "4"});
    await_connections(team, 0);
    const char* const here = "127.0.0.2";
    std::vector<std::unique_ptr<Wire>> silent;
    for (int i = 0; i < 4; ++i) silent.push_back(std::make_unique<Wire>(team.site, here));
    await_connections(team, 4);
    Wire more(team.site, here);
    CHECK(more.answer() == 0);
    Wire other(team.site, "127.0.0.3");
    REQUIRE(other.send(request("GET", config, "anna")));
    CHECK(other.answer() == 200);
    other.hang_up();
    silent.pop_back();
    await_connections(team, 3);
    Wire again(team.site, here);
    REQUIRE(again.send(request("GET", config, "anna")));
    CHECK(again.answer() == 200);
}

TEST_CASE("the list of accounts says how full their spaces are, where the server runs")
{
    Team team;
    team.site.belay({"media", "quota", "team", "1M"});
    team.site.belay({"media", "quota", "later", "2M"});
    team.site.add("dora", "dora", "read");
    REQUIRE(team.save("data", std::string(2000, 'x')) == 200);
    const auto listed = [&] {
        return must(parse_json(team.site.belay({"media", "list", "--json"}))).at("spaces");
    };
    const auto space = [](const char* name, const Json& used, const Json& quota) {
        return Json{{"name", name}, {"used", used}, {"quota", quota}};
    };
    const size_t used = 2000 + std::string_view("the config").size();
    CHECK(listed() ==
          Json::array({space("dora", 0, {}), space("later", 0, 2 << 20), space("team", used, 1 << 20)}));
    const std::string text = team.site.belay({"media", "list"});
    CHECK_MESSAGE(text.find("team   2 KiB  1 MiB") != std::string::npos, text);
    CHECK(text.find("not known") == std::string::npos);
    CHECK(team.site.end(SIGTERM) == 0);
    CHECK(listed() ==
          Json::array({space("dora", {}, {}), space("later", {}, 2 << 20), space("team", {}, 1 << 20)}));
    CHECK(team.site.belay({"media", "list"}).find("what is used is not known: no media server answers") !=
          std::string::npos);
}

/// An upload of which a part is sent.
struct Half {
    Half(const Team& team, unsigned seed, size_t size)
        : content(Scratch::random_text(size, seed)), wire(std::make_unique<Wire>(team.site))
    {
        const std::string whole = request("POST", path(), "anna", content);
        const size_t sent = whole.size() - size / 2;
        REQUIRE(wire->send(std::string_view(whole).substr(0, sent)));
        rest = whole.substr(sent);
    }
    std::string path() const { return "/team/r/data/" + sha256(content); }

    std::string content, rest;
    std::unique_ptr<Wire> wire;
};

void await_uploads(const Team& team, uint64_t wanted)
{
    for (const auto until = Clock::now() + 10s; team.site.status().at("uploads") != wanted;)
        REQUIRE(Clock::now() < until);
}

/// The log has this line: the server is at it.
void await_log(const Team& team, const std::string& text)
{
    for (const auto until = Clock::now() + 10s; team.site.log().find(text) == std::string::npos;) {
        REQUIRE(Clock::now() < until);
        std::this_thread::sleep_for(5ms);
    }
}

TEST_CASE("an upload that is under way when the server is told to end is finished and answered")
{
    Team team;
    std::vector<Half> halves;
    for (unsigned i = 0; i < 6; ++i) halves.emplace_back(team, i, size_t{1} << (12 + 2 * i));
    await_uploads(team, halves.size());
    const auto begun = Clock::now();
    int code = -1;
    std::jthread end([&] { code = team.site.end(SIGTERM); });
    await_log(team, "was told to end");
    // Clients of whom each takes its time.
    constexpr size_t pieces = 10;
    for (size_t piece = 0; piece < pieces; ++piece) {
        for (const Half& half : halves) {
            const size_t from = half.rest.size() * piece / pieces,
                         to = half.rest.size() * (piece + 1) / pieces;
            REQUIRE(half.wire->send(std::string_view(half.rest).substr(from, to - from)));
        }
        std::this_thread::sleep_for(100ms);
    }
    for (const Half& half : halves) {
        INFO(half.content.size(), " bytes");
        CHECK(half.wire->answer() == 200);
        CHECK(half.wire->head.find("Connection: close") != std::string::npos);
    }
    end.join();
    CHECK(code == 0);
    CHECK(Clock::now() - begun < 15s);
    for (const Half& half : halves) {
        std::ifstream file(team.file("data", half.content), std::ios::binary);
        CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == half.content);
    }
}

TEST_CASE(
    "an upload that does not go on is cut in the end, and nothing of it stays; what was answered is there")
{
    Team team;
    const Half stuck(team, 1, 3 << 20), beginning(team, 2, 100);
    await_uploads(team, 2);
    std::atomic<bool> is_over = false;
    std::mutex mutex;
    std::vector<std::string> answered;
    std::vector<std::jthread> clients;
    for (unsigned client = 0; client < 6; ++client)
        clients.emplace_back([&, client] {
            for (unsigned i = 0; !is_over; ++i) {
                const std::string content = Scratch::random_text(50'000, 1000 * (client + 1) + i);
                Wire wire(team.site);
                if (!wire.send(request("POST", "/team/r/data/" + sha256(content), "anna", content))) return;
                if (wire.answer(60s) != 200) return;
                const std::lock_guard lock(mutex);
                answered.push_back(content);
            }
        });
    for (const auto until = Clock::now() + 20s;;) {
        REQUIRE(Clock::now() < until);
        std::this_thread::sleep_for(5ms);
        const std::lock_guard lock(mutex);
        if (answered.size() > 20) break;
    }
    const auto begun = Clock::now();
    CHECK(team.site.end(SIGTERM) == 0);
    const auto took = Clock::now() - begun;
    CHECK(took >= 15s);
    CHECK(took < 28s);
    is_over = true;
    clients.clear();
    CHECK(stuck.wire->answer() == 0);
    CHECK(beginning.wire->answer() == 0);
    for (const std::string& content : answered) {
        std::ifstream file(team.file("data", content), std::ios::binary);
        CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == content);
    }
    INFO("all that is there is what its name says");
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(team.site.scratch().path("data/team"))) {
        if (!entry.is_regular_file() || entry.path().filename() == "config") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        CHECK(sha256(std::string(std::istreambuf_iterator<char>(file), {})) == entry.path().filename());
    }
}

}  // namespace
}  // namespace belay::media
