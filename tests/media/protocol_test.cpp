// What a media server answers to requests, right ones and tricks; without TLS, so that a test may write any
// bytes.

#include "team.h"

#include <map>
#include <thread>

namespace belay::media {
namespace {

/// Every file that is kept below, with its content.
std::map<std::string, std::string> tree(const std::string& folder)
{
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file() || entry.path().parent_path().filename() == ".incoming") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        all[entry.path()] = {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    return all;
}

TEST_CASE("who may only add can remove and overwrite nothing, by no request")
{
    Team team;
    for (const char* kind : {"data", "keys", "snapshots", "index"})
        REQUIRE(team.save(kind, "there already") == 200);
    REQUIRE(team.save("locks", "anna's lock") == 200);
    const std::string id = sha256("there already"), lock = sha256("anna's lock");
    const std::map<std::string, std::string> before = tree(team.site.scratch().path("data"));
    REQUIRE(before.size() >= 6);

    struct Attempt {
        std::string method, path;
        std::string body = {}, headers = {};
    };
    std::vector<Attempt> attempts = {
        {"DELETE", "/team/r/config"},
        {"DELETE", "/team/r/"},
        {"DELETE", "/team/r"},
        {"DELETE", "/team/"},
        {"DELETE", "/"},
        {"DELETE", "/team/r/data/"},
        {"DELETE", "/team/r/locks/" + lock},
        {"POST", "/team/r/config", "another config"},
        {"POST", "/team/r/config", ""},
        {"PUT", "/team/r/config", "another config"},
        {"PATCH", "/team/r/config", "x"},
        {"PUT", "/team/r/data/" + id, "x"},
        {"MOVE", "/team/r/data/" + id, "", "Destination: /team/r/data/" + std::string(64, '0') + "\r\n"},
        {"COPY", "/team/r/config", "", "Destination: /team/r/data/" + id + "\r\nOverwrite: T\r\n"},
        {"MKCOL", "/team/r/data/" + id},
        {"TRACE", "/team/r/config"},
        {"POST", "/team/r/data/" + id, "x"},
        {"POST", "/team/r/data/" + id, "0\r\n\r\n", "Transfer-Encoding: chunked\r\n"},
        {"POST", "/team/r/data/" + id, "x", "X-HTTP-Method-Override: DELETE\r\n"},
        {"POST", "/team/r/data/" + id + "?_method=DELETE", "x"},
        {"POST", "/team/r/data/" + id + "/", "there already"},
        {"POST", "/team/r/data/../config", "x"},
        {"POST", "/team/r/data/%2e%2e/config", "x"},
        {"POST", "/team/r/data/..%2fconfig", "x"},
        {"POST", "/team/r/data/" + id.substr(0, 2) + "/" + id, "x"},
        {"POST", "/team/../team/r/config", "x"},
        {"POST", "//team/r/config", "x"},
        {"POST", "/team//r/config", "x"},
        {"POST", "/team/r/./config", "x"},
        {"POST", "/team/r/config%00", "x"},
        {"POST", "/team/r/config/", "x"},
        {"POST", "/team/r/config/config", "x"},
        {"POST", "/team/.incoming/?create=true"},
        {"POST", "/team/r/data/?create=true"},
        {"POST", "/team/r/data/" + id + "?create=true", "x"},
        {"POST", "/team/r/DATA/" + id, "x"},
        {"POST", "/team/r/keys/" + std::string(64, 'A'), "x"},
        {"POST", "/team/r/keys/" + id + "x", "x"},
        {"POST", "/team/r/keys/" + id.substr(1), "x"},
        {"POST", "/team/r/keys/" + id + ".tmp", "x"},
        {"POST", "/team/r/keys/..", "x"},
        {"POST", "/other/r/config", "x"},
        {"POST", "/other/r/?create=true"},
        {"POST", "/.lock", "x"},
        {"POST", "http://elsewhere/team/r/config", "x"},
        {"POST", "/team/r/config", "x", "Content-Range: bytes 0-0/10\r\n"},
    };
    for (const char* kind : {"data", "keys", "snapshots", "index"})
        attempts.push_back({"DELETE", fmt::format("/team/r/{}/{}", kind, id)});
    for (const Attempt& attempt : attempts) {
        INFO(attempt.method, " ", attempt.path);
        const int status = team.ask(attempt.method, attempt.path, "bert", attempt.body, attempt.headers);
        // Hung up on is as good as refused.
        CHECK((status == 0 || status >= 400));
        CHECK(status < 500);
        CHECK(tree(team.site.scratch().path("data")) == before);
    }
    // A second request in the body of the first is a body.
    const std::string inner = request("DELETE", "/team/r/data/" + id, "bert");
    CHECK(team.ask("POST", "/team/r/data/" + std::string(64, '1'), "bert", inner) == 400);
    CHECK(tree(team.site.scratch().path("data")) == before);

    // What it may.
    CHECK(team.save("data", "there already", "bert") == 200);
    CHECK(team.save("data", "new", "bert") == 200);
    CHECK(team.save("locks", "bert's lock", "bert") == 200);
    CHECK(team.ask("DELETE", "/team/r/locks/" + sha256("bert's lock"), "bert") == 200);
    CHECK(team.ask("DELETE", "/team/r/locks/" + lock, "anna") == 200);
}

TEST_CASE("who may only read writes nothing but locks, and strangers do nothing")
{
    Team team;
    REQUIRE(team.save("data", "something") == 200);
    const std::string path = "/team/r/data/" + sha256("something");
    CHECK(team.ask("GET", path, "carl") == 200);
    CHECK(team.said == "something");
    CHECK(team.save("data", "more", "carl") == 403);
    CHECK(team.ask("POST", "/team/s/?create=true", "carl") == 403);
    CHECK(team.ask("DELETE", path, "carl") == 403);
    CHECK(team.save("locks", "carl's lock", "carl") == 200);
    CHECK(team.ask("DELETE", "/team/r/locks/" + sha256("carl's lock"), "carl") == 200);

    CHECK(team.ask("GET", path, "") == 401);
    CHECK(team.ask("GET", path, "", "", "Authorization: Basic YW5uYTp3cm9uZw==\r\n") == 401);
    CHECK(team.ask("GET", path, "", "", "Authorization: Basic !!!\r\n") == 401);
    CHECK(team.ask("GET", path, "", "", "Authorization: Bearer x\r\n") == 401);

    INFO("shut out at once, and in again");
    team.site.belay({"media", "disable", "carl"});
    CHECK(team.ask("GET", path, "carl") == 401);
    team.site.belay({"media", "enable", "carl"});
    CHECK(team.ask("GET", path, "carl") == 200);
    team.site.belay({"media", "revoke", "carl", "team"});
    CHECK(team.ask("GET", path, "carl") == 403);
    team.site.belay({"media", "remove", "carl"});
    CHECK(team.ask("GET", path, "carl") == 401);
}

TEST_CASE("what is not what its name says is not kept, and what has rotted is replaced by what is")
{
    Team team;
    const std::string id = sha256("right");
    CHECK(team.ask("POST", "/team/r/data/" + id, "anna", "wrong") == 400);
    CHECK(team.ask("GET", "/team/r/data/" + id, "anna") == 404);
    REQUIRE(team.ask("POST", "/team/r/data/" + id, "anna", "right") == 200);
    CHECK(team.ask("POST", "/team/r/data/" + id, "anna", "right") == 200);

    const std::string path = team.file("data", "right");
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::ofstream(path, std::ios::binary) << "rihgt";
    CHECK(team.ask("POST", "/team/r/data/" + id, "bert", "right") == 409);
    CHECK(team.ask("POST", "/team/r/data/" + id, "anna", "right") == 200);
    CHECK(team.ask("GET", "/team/r/data/" + id, "bert") == 200);
    CHECK(team.said == "right");
    CHECK(team.site.log().find("was damaged here, and is replaced") != std::string::npos);

    INFO("a config is never replaced, and the same one is well");
    CHECK(team.ask("POST", "/team/r/config", "anna", "the config") == 200);
    CHECK(team.ask("POST", "/team/r/config", "anna", "another one") == 409);
}

TEST_CASE("one connection serves request after request, also after one that is refused")
{
    Team team;
    Wire wire(team.site);
    const auto ask = [&](const std::string& method, const std::string& path, const std::string& account,
                         std::string_view body = {}) {
        wire.is_head = method == "HEAD";
        REQUIRE(wire.send(request(method, path, account, body)));
        return wire.answer();
    };
    const std::string large = Scratch::random_text(300'000, 6);
    for (const std::string& content : {std::string("small"), large}) {
        const std::string path = "/team/r/data/" + sha256(content);
        CHECK(ask("GET", path, "anna") == 404);
        CHECK(ask("GET", path, "") == 401);
        CHECK(ask("POST", path, "anna", content) == 200);
        CHECK(ask("POST", path, "carl", content) == 403);
        CHECK(ask("HEAD", path, "bert") == 200);
        CHECK(ask("GET", path, "carl") == 200);
        CHECK(wire.body == content);
        CHECK(ask("POST", path, "anna", "wrong") == 400);
        CHECK(ask("DELETE", path, "anna") == 200);
    }
}

TEST_CASE("parts of files, lists of both versions")
{
    Team team;
    const std::string content = Scratch::random_text(300'000, 5);
    REQUIRE(team.save("data", content) == 200);
    const std::string path = "/team/r/data/" + sha256(content);
    const auto part = [&](const std::string& range) {
        return team.ask("GET", path, "anna", "", "Range: " + range + "\r\n");
    };
    CHECK(part("bytes=0-0") == 206);
    CHECK(team.said == content.substr(0, 1));
    CHECK(part("bytes=1000-200999") == 206);
    CHECK(team.said == content.substr(1000, 200'000));
    CHECK(part("bytes=299990-") == 206);
    CHECK(team.said == content.substr(299'990));
    CHECK(part("bytes=-7") == 206);
    CHECK(team.said == content.substr(299'993));
    CHECK(part("bytes=299999-400000") == 206);
    CHECK(team.said == content.substr(299'999));
    CHECK(part("bytes=300000-") == 416);
    CHECK(part("bytes=5-1") == 200);
    CHECK(part("rows=1-2") == 200);
    CHECK(team.said == content);
    CHECK(team.ask("HEAD", path, "anna") == 200);

    // Lists come in pieces whose length nobody knows before; curl puts them together.
    const auto listed = [&](const std::string& kind, std::vector<std::string> more) {
        std::vector<std::string> argv = {
            "curl", "-sf", "-u", "anna:open sesame",
            fmt::format("http://127.0.0.1:{}/team/r/{}/", team.site.port(), kind)};
        argv.insert(argv.end(), more.begin(), more.end());
        return must(parse_json(Scratch::run(argv)));
    };
    CHECK(listed("data", {}) == Json::array({sha256(content)}));
    const std::vector<std::string> version_2 = {"-H", "Accept: application/vnd.x.restic.rest.v2"};
    CHECK(listed("data", version_2) == Json::array({{{"name", sha256(content)}, {"size", content.size()}}}));
    CHECK(listed("keys", version_2) == Json::array());
    for (int i = 0; i < 1500; ++i) {
        const std::string id = sha256(std::to_string(i));
        const std::string folder = team.site.scratch().path("data/team/r/data/" + id.substr(0, 2));
        std::ofstream(fmt::format("{}/{}", folder, id)) << "x";
        if (i % 100 == 0) std::ofstream(fmt::format("{}/foreign-{}", folder, id)) << "x";
    }
    CHECK(listed("data", version_2).size() == 1501);
}

TEST_CASE("a quota holds, also against many at once and where it is not said how much comes")
{
    Team team;
    team.site.belay({"media", "quota", "team", "200K"});
    const auto content = [](unsigned seed) { return Scratch::random_text(60'000, seed); };
    for (unsigned seed = 0; seed < 3; ++seed) REQUIRE(team.save("data", content(seed)) == 200);
    CHECK(team.save("data", content(9)) == 507);
    CHECK(team.said.find("the quota of the space team is 200 KiB") != std::string::npos);
    CHECK(team.save("data", "small") == 200);
    const std::string large = content(10);
    std::string chunks;
    for (size_t at = 0; at < large.size(); at += 1000) chunks += "3e8\r\n" + large.substr(at, 1000) + "\r\n";
    Wire wire(team.site);
    std::string head = request("POST", "/team/r/data/" + sha256(large), "anna");
    head.replace(head.find("Content-Length: 0"), 17, "Transfer-Encoding: chunked");
    REQUIRE(wire.send(head + chunks + "0\r\n\r\n"));
    CHECK(wire.answer() == 507);
    INFO("what is removed makes room, and so does another quota");
    CHECK(team.ask("DELETE", "/team/r/data/" + sha256(content(0)), "anna") == 200);
    CHECK(team.save("data", content(9)) == 200);
    CHECK(team.save("data", content(11)) == 507);
    team.site.belay({"media", "quota", "team", "none"});
    CHECK(team.save("data", content(11)) == 200);

    team.site.belay({"media", "quota", "team", "1M"});
    std::vector<std::jthread> threads;
    std::atomic<int> kept = 0, refused = 0;
    for (unsigned client = 0; client < 8; ++client)
        threads.emplace_back([&, client] {
            for (unsigned i = 0; i < 5; ++i) {
                const std::string mine = content(100 + client * 10 + i);
                Wire own(team.site);
                own.send(request("POST", "/team/r/data/" + sha256(mine), "anna", mine));
                const int status = own.answer();
                if (status == 200) ++kept;
                if (status == 507) ++refused;
            }
        });
    threads.clear();
    CHECK(kept + refused == 40);
    uint64_t bytes = 0;
    for (const auto& [path, text] : tree(team.site.scratch().path("data/team"))) bytes += text.size();
    CHECK(bytes <= 1 << 20);
    CHECK(bytes > (1 << 20) - 70'000);
    const Json spaces = team.site.status().at("spaces");
    CHECK(spaces.at(0).at("used") == bytes);
}

TEST_CASE("uploads that are cut, and lengths that lie, leave nothing behind")
{
    Team team;
    const std::string content = Scratch::random_text(600'000, 8);
    const std::string whole = request("POST", "/team/r/data/" + sha256(content), "anna", content);
    const std::map<std::string, std::string> before = tree(team.site.scratch().path("data"));
    for (const size_t sent :
         {size_t{30}, whole.size() - content.size(), whole.size() - 400'000, whole.size() - 1}) {
        Wire wire(team.site);
        REQUIRE(wire.send(std::string_view(whole).substr(0, sent)));
        if (sent % 2 == 0)
            wire.hang_up();
        else
            wire.nothing_more_comes();
    }
    INFO("more than was said: what follows is no request");
    Wire more(team.site);
    REQUIRE(more.send(request("POST", "/team/r/data/" + sha256("abc"), "anna", "abcd")));
    CHECK(more.answer() == 400);
    INFO("lengths that are none");
    for (const char* length : {"-1", "99999999999999999999", "0x10", "1, 2", " "}) {
        Wire wire(team.site);
        std::string head = request("POST", "/team/r/data/" + sha256("x"), "anna");
        head.replace(head.find("Content-Length: 0"), 17, std::string("Content-Length: ") + length);
        REQUIRE(wire.send(head + "x"));
        const int status = wire.answer(std::chrono::seconds(2));
        CHECK_MESSAGE((status <= 0 || status >= 400), length);
    }
    CHECK(team.ask("POST", "/team/r/data/" + sha256("x"), "anna", "x", "Content-Length: 4\r\n") == 400);
    CHECK(team.ask("POST", "/team/r/data/" + sha256(""), "anna", "0\r\n\r\n",
                   "Transfer-Encoding: chunked\r\n") == 400);
    INFO("beyond any file");
    Wire large(team.site);
    std::string head = request("POST", "/team/r/data/" + sha256("x"), "anna", {}, "Expect: 100-continue\r\n");
    head.replace(head.find("Content-Length: 0"), 17, "Content-Length: 2000000000000");
    REQUIRE(large.send(head));
    CHECK(large.answer() == 400);

    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const std::string incoming = team.site.scratch().path("data/team/.incoming");
    while (!std::filesystem::is_empty(incoming)) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK(tree(team.site.scratch().path("data")) == before);
    CHECK(team.site.status().at("uploads") == 0);
    CHECK(team.save("data", content) == 200);
}

TEST_CASE("a link in the data folder leads nowhere")
{
    Team team;
    team.site.scratch().write("secret", "secret");
    const std::string id = sha256("secret");
    std::filesystem::create_symlink(team.site.scratch().path("secret"),
                                    team.site.scratch().path("data/team/r/keys/" + id));
    std::filesystem::create_directory_symlink("/etc", team.site.scratch().path("data/team/etc"));
    CHECK(team.ask("GET", "/team/r/keys/" + id, "anna") >= 400);
    CHECK(team.ask("GET", "/team/etc/config", "anna") >= 400);
    CHECK(team.ask("POST", "/team/etc/?create=true", "anna") >= 400);
    CHECK(std::filesystem::exists("/etc/snapshots") == false);
}

}  // namespace
}  // namespace belay::media
