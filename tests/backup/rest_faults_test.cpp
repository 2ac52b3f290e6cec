// A server that fails, lies, stalls or goes: each ends with one clear error, or well after another try, and
// nothing is saved twice or lost.

#include "backup/backend/rest.h"
#include "scratch.h"
#include "scripted_server.h"

#include <atomic>

namespace belay::backup {
namespace {

using std::chrono::milliseconds;

const std::string sent_text = Scratch::random_text(50'000, 21);
const FileName sent_pack{FileKind::pack, Id::of(sent_text)};

RestOptions impatient()
{
    RestOptions options;
    options.retries = {.first_pause = milliseconds(1),
                       .longest_pause = milliseconds(5),
                       .gives_up_after = std::chrono::seconds(20)};
    options.largest_answer = 1 << 20;
    return options;
}
/// Gives up soon.
RestOptions hopeless()
{
    RestOptions options = impatient();
    options.retries.gives_up_after = milliseconds(20);
    return options;
}

std::unique_ptr<Backend> place_at(const ScriptedServer& server, RestOptions options = impatient())
{
    return must(RestBackend::at(server.url(), std::move(options)));
}

template <typename T>
Error error_of(const Result<T>& result)
{
    REQUIRE(!result);
    return result.error();
}

/// The middle of what is sent, with what is said about it.
Script part(const std::string& status, const std::string& range, size_t from = 100, size_t length = 50)
{
    return answer(status, sent_text.substr(from, length), {"Content-Range: " + range});
}

TEST_CASE("a server that fails once is asked again, and what did not arrive is sent again")
{
    const ScriptedServer server({answer("500 Failed"), answer("404 Not Found"), answer("200 OK")});
    must(place_at(server)->save(sent_pack, sent_text));
    CHECK(server.methods() == "POST HEAD POST");
    CHECK(server.seen()[2].body == sent_text);
    CHECK(server.seen()[2].path == fmt::format("/data/{}", sent_pack.id.hex()));
}

TEST_CASE("an upload whose answer was lost is looked for, and not sent twice")
{
    const ScriptedServer server({cut(), answer("503 Busy"), cut(), has(sent_text.size())});
    must(place_at(server)->save(sent_pack, sent_text));
    CHECK(server.methods() == "POST HEAD HEAD HEAD");
    CHECK(server.seen()[0].body == sent_text);
}

TEST_CASE("an upload of which half arrived is sent again")
{
    const ScriptedServer server({{[](Exchange&) {}, false}, has(sent_text.size() / 2), answer("200 OK")});
    must(place_at(server)->save(sent_pack, sent_text));
    CHECK(server.methods() == "POST HEAD POST");
    CHECK(server.seen()[2].body == sent_text);
}

TEST_CASE("a server that replaces nothing and has the file already is content")
{
    const ScriptedServer server(
        {answer("403 Forbidden"), has(sent_text.size()), answer("403 Forbidden"), has(sent_text.size() - 1)});
    const std::unique_ptr<Backend> place = place_at(server);
    must(place->save(sent_pack, sent_text));
    const Error error = error_of(place->save(sent_pack, sent_text));
    CHECK(error.kind == ErrorKind::permission);
    CHECK(error.what == fmt::format("cannot save pack {} in rest:{}: the server does not allow it (403)",
                                    sent_pack.id.short_hex(), server.url()));
}

TEST_CASE("a config is never replaced, whatever became of the answers")
{
    const auto outcome = [](std::vector<Script> scripts, std::string_view methods) {
        const ScriptedServer server(std::move(scripts));
        const Result<void> saved = place_at(server)->save({}, "our config");
        CHECK(server.methods() == methods);
        return saved ? std::string("saved") : std::string(name_of(saved.error().kind));
    };
    const Script absent = answer("404 Not Found");
    CHECK(outcome({has(10)}, "HEAD") == "refused");
    CHECK(outcome({absent, cut(), answer("200 OK", "our config")}, "HEAD POST GET") == "saved");
    CHECK(outcome({absent, cut(), answer("200 OK", "their confi")}, "HEAD POST GET") == "refused");
    CHECK(outcome({absent, cut(), answer("200 OK", "our co"), answer("200 OK")}, "HEAD POST GET POST") ==
          "saved");
    CHECK(outcome({absent, answer("409 Conflict"), answer("200 OK", "another one")}, "HEAD POST GET") ==
          "refused");
    CHECK(outcome({absent, answer("403 Forbidden"), absent}, "HEAD POST GET") == "permission");
    CHECK(outcome({answer("401 Unauthorized")}, "HEAD") == "permission");
}

TEST_CASE("a body that is cut is loaded again")
{
    const Script half = {[](Exchange& exchange) {
        exchange.sends_head("200 OK", {fmt::format("Content-Length: {}", sent_text.size())});
        exchange.sends(std::string_view(sent_text).substr(0, sent_text.size() / 2));
    }};
    const ScriptedServer server({half, half, answer("200 OK", sent_text)});
    CHECK(must(place_at(server)->load(sent_pack)) == sent_text);
    CHECK(server.methods() == "GET GET GET");

    const ScriptedServer always(std::vector<Script>(1000, half));
    const Error error = error_of(place_at(always, hopeless())->load(sent_pack));
    CHECK(error.kind == ErrorKind::unavailable);
    CHECK(error.what.starts_with(fmt::format("cannot load pack {} in rest:", sent_pack.id.short_hex())));
}

TEST_CASE("a server that stops answering in the middle of a body is left, and asked again")
{
    const Script stops = {[](Exchange& exchange) {
        exchange.sends_head("200 OK", {fmt::format("Content-Length: {}", sent_text.size())});
        exchange.sends(std::string_view(sent_text).substr(0, 1000));
        exchange.hangs = true;
    }};
    const ScriptedServer server({stops, answer("200 OK", sent_text)});
    RestOptions options = impatient();
    options.http.stalled_after = milliseconds(500);
    options.retries.tells = [](const Error& error, milliseconds) {
        CHECK(error.what.ends_with("the server has said nothing for 1 s"));
    };
    CHECK(must(place_at(server, options)->load(sent_pack)) == sent_text);
    CHECK(server.methods() == "GET GET");
}

TEST_CASE("a server that stops reading in the middle of an upload is left, and asked again")
{
    // More than what the sockets hold.
    const std::string large = Scratch::random_text(16 << 20, 22);
    const ScriptedServer server({hang(false), answer("404 Not Found"), answer("200 OK")});
    RestOptions options = impatient();
    options.http.stalled_after = milliseconds(500);
    must(place_at(server, options)->save({FileKind::pack, Id::of(large)}, large));
    CHECK(server.methods() == "POST HEAD POST");
    CHECK(server.seen()[2].body == large);
}

TEST_CASE("a transfer that is slow and lives is not cut")
{
    // Longer than a stall may be, but never without a byte for so long.
    const Script trickles = {[](Exchange& exchange) {
        exchange.sends_head("200 OK", {"Content-Length: 12", "Connection: close"});
        for (const char c : std::string_view("slow but sure")) {
            exchange.sends({&c, 1});
            std::this_thread::sleep_for(milliseconds(100));
        }
    }};
    const ScriptedServer server({trickles});
    RestOptions options = impatient();
    options.http.stalled_after = std::chrono::seconds(1);
    CHECK(must(place_at(server, options)->load(sent_pack)) == "slow but sur");
}

TEST_CASE("a part is what was asked for, or corrupt")
{
    const auto outcome = [](const Script& script) {
        const ScriptedServer server({script});
        const Result<std::string> loaded = place_at(server)->load(sent_pack, 100, 50);
        CHECK(server.seen()[0].head.find("\r\nRange: bytes=100-149\r\n") != std::string::npos);
        if (loaded) return *loaded == sent_text.substr(100, 50) ? std::string("right") : std::string("wrong");
        CHECK(loaded.error().kind == ErrorKind::corrupt);
        return loaded.error().what.substr(loaded.error().what.rfind(": ") + 2);
    };
    const std::string another = "the server sends another part than was asked for";
    const std::string lies = "the server sends more or less than it says";
    CHECK(outcome(part("206 Partial", "bytes 100-149/50000")) == "right");
    CHECK(outcome(part("206 Partial", "bytes 100-149/*")) == "right");
    CHECK(outcome(part("206 Partial", "bytes 101-150/50000", 101)) == another);
    CHECK(outcome(part("206 Partial", "bytes 100-148/50000", 100, 49)) == another);
    CHECK(outcome(part("206 Partial", "bytes 100-119/120", 100, 20)) == "it ends at byte 120");
    CHECK(outcome(part("206 Partial", "nonsense")) == another);
    CHECK(outcome(part("206 Partial", "bytes 18446744073709551615-18446744073709551615/99")) ==
          "it ends at byte 99");
    CHECK(outcome(part("206 Partial", "bytes 100-149/50000", 100, 30)) == lies);
    CHECK(outcome(part("206 Partial", "bytes 100-149/50000", 100, 60)) == lies);
    CHECK(outcome(answer("200 OK", sent_text)) == "the server sends the whole where a part was asked for");
    CHECK(outcome(answer("416 Not There", "", {"Content-Range: bytes */60"})) == "it ends at byte 60");
    CHECK(outcome(answer("416 Not There")) == "it ends before");
}

TEST_CASE("a body without an end is left at the limit")
{
    const Script endless = {[](Exchange& exchange) {
        exchange.sends_head("200 OK", {"Connection: close"});
        while (exchange.sends(sent_text)) {
        }
    }};
    const ScriptedServer server({endless, endless, {[](Exchange& exchange) {
                                     exchange.sends_head("500 Failed", {"Connection: close"});
                                     while (exchange.sends(sent_text)) {
                                     }
                                 }}});
    const std::unique_ptr<Backend> place = place_at(server, hopeless());
    const Error error = error_of(place->load(sent_pack));
    CHECK(error.kind == ErrorKind::corrupt);
    CHECK(error.what.ends_with("it is larger than 1048576 bytes"));
    CHECK(error_of(place->list(FileKind::pack)).kind == ErrorKind::corrupt);
    CHECK(error_of(place->size(sent_pack)).kind != ErrorKind::corrupt);
}

TEST_CASE("a header without an end, and what is no HTTP, is left at once")
{
    const ScriptedServer server({{[](Exchange& exchange) {
                                     exchange.sends("HTTP/1.1 200 OK\r\n");
                                     while (exchange.sends("X-More: and more\r\n")) {
                                     }
                                 }},
                                 {[](Exchange& exchange) { exchange.sends("SSH-2.0-OpenSSH_9.2\r\n"); }}});
    const std::unique_ptr<Backend> place = place_at(server);
    CHECK(error_of(place->load(sent_pack)).kind != ErrorKind::unavailable);
    CHECK(error_of(place->load(sent_pack)).kind == ErrorKind::corrupt);
    CHECK(server.methods() == "GET GET");
}

TEST_CASE("a server that is asked too much is given the time that it wants, if that is not too long")
{
    const ScriptedServer server({answer("429 Slow"), answer("200 OK", sent_text)});
    CHECK(must(place_at(server)->load(sent_pack)) == sent_text);

    RestOptions options = impatient();
    options.retries.gives_up_after = std::chrono::minutes(1);
    const ScriptedServer slow({answer("429 Slow", "", {"Retry-After: 100"})});
    const Error error = error_of(place_at(slow, options)->load(sent_pack));
    CHECK(error.kind == ErrorKind::unavailable);
    CHECK(error.what.ends_with("the server is asked too much (429)"));
}

TEST_CASE("what a server refuses is not asked for again")
{
    const std::pair<std::string, ErrorKind> answers[] = {
        {"400 Bad Request", ErrorKind::io},        {"401 Unauthorized", ErrorKind::permission},
        {"403 Forbidden", ErrorKind::permission},  {"404 Not Found", ErrorKind::not_found},
        {"405 Not Allowed", ErrorKind::io},        {"413 Too Large", ErrorKind::no_space},
        {"507 Out Of Space", ErrorKind::no_space}, {"304 Not Modified", ErrorKind::io}};
    for (const auto& [status, kind] : answers) {
        INFO(status);
        const ScriptedServer server({answer(status), answer(status), answer(status), answer(status)});
        const std::unique_ptr<Backend> place = place_at(server);
        CHECK(error_of(place->load(sent_pack)).kind == kind);
        CHECK(error_of(place->size(sent_pack)).kind == kind);
        CHECK(server.methods() == "GET HEAD");
        CHECK(error_of(place->save(sent_pack, sent_text)).kind == kind);
    }
}

TEST_CASE("a redirect is not followed, and named without what is secret in it")
{
    const ScriptedServer elsewhere({});
    const std::string target = "http://u:hidden@" + elsewhere.url().substr(7) + "x?token=hidden";
    const ScriptedServer server({answer("302 Found", "", {"Location: " + target}),
                                 answer("307 Elsewhere", "", {"Location: " + target})});
    const std::unique_ptr<Backend> place = place_at(server);
    const Error error = error_of(place->load(sent_pack));
    CHECK(error.kind == ErrorKind::io);
    CHECK(error.what.ends_with(fmt::format("the server sends us to {}x (302)", elsewhere.url())));
    CHECK(error_of(place->save(sent_pack, sent_text)).what.find("hidden") == std::string::npos);
    CHECK(elsewhere.connections() == 0);
}

TEST_CASE("a server that is not up yet is waited for, and each pause is told")
{
    ScriptedServer server({answer("200 OK", sent_text)}, false);
    RestOptions options = impatient();
    std::atomic<int> told = 0;
    options.retries.tells = [&](const Error& error, milliseconds) {
        CHECK(error.kind == ErrorKind::unavailable);
        if (++told == 3) server.listen();
    };
    CHECK(must(place_at(server, options)->load(sent_pack)) == sent_text);
    CHECK(told.load() >= 3);

    const ScriptedServer never({}, false);
    const Error error = error_of(place_at(never, hopeless())->load(sent_pack));
    CHECK(error.kind == ErrorKind::unavailable);
    CHECK(error.what.find("Failed to connect to 127.0.0.1") != std::string::npos);
}

TEST_CASE("a removal whose answer was lost has removed")
{
    const ScriptedServer server({cut(), answer("404 Not Found")});
    must(place_at(server)->remove(sent_pack));
    CHECK(server.methods() == "DELETE DELETE");
}

TEST_CASE("a server of version 1 lists names, and is asked for each size")
{
    const std::string a = Id::of("a").hex(), b = Id::of("b").hex(), gone = Id::of("gone").hex();
    const Script head = {[=](Exchange& exchange) {
        if (exchange.request.path.ends_with(gone)) return exchange.answers("404 Not Found");
        const size_t size = exchange.request.path.ends_with(a) ? 5 : 7;
        exchange.sends_head("200 OK", {fmt::format("Content-Length: {}", size), "Connection: close"});
    }};
    const std::string names = fmt::format(R"(["{}", "readme", "{}", "{}"])", a, gone, b);
    const ScriptedServer server({answer("200 OK", names), head, head, head});
    std::map<std::string, uint64_t> sizes;
    for (const ListedFile& file : must(place_at(server)->list(FileKind::index)))
        sizes[file.id.hex()] = file.size;
    CHECK(sizes == std::map<std::string, uint64_t>{{a, 5}, {b, 7}});
    CHECK(server.seen()[0].path == "/index/");
    CHECK(server.seen()[0].head.find("\r\nAccept: application/vnd.x.restic.rest.v2\r\n") !=
          std::string::npos);
}

TEST_CASE("a list that cannot be read is none, and not one of no files")
{
    const std::vector<std::string> version_2 = {"Content-Type: application/vnd.x.restic.rest.v2"};
    const ScriptedServer server({answer("200 OK", "<html>Welcome</html>"), answer("200 OK", "", version_2),
                                 answer("200 OK", "[{\"name\": 5}]", version_2),
                                 answer("404 Not Found", "", {"Server: rclone/v1.60"}),
                                 answer("404 Not Found"), answer("200 OK", "[]", version_2)});
    const std::unique_ptr<Backend> place = place_at(server);
    for (int i = 0; i < 3; ++i) CHECK(error_of(place->list(FileKind::pack)).kind == ErrorKind::corrupt);
    CHECK(error_of(place->list(FileKind::pack)).kind == ErrorKind::io);
    CHECK(must(place->list(FileKind::pack)).empty());
    CHECK(must(place->list(FileKind::pack)).empty());
}

TEST_CASE("a connection is kept for the next request")
{
    const Script keeps = {[](Exchange& exchange) {
        exchange.keeps_open = true;
        exchange.answers("200 OK", exchange.request.method == "GET" ? sent_text : "");
    }};
    const ScriptedServer server({keeps, keeps, keeps});
    const std::unique_ptr<Backend> place = place_at(server);
    must(place->save(sent_pack, sent_text));
    CHECK(must(place->load(sent_pack)) == sent_text);
    must(place->remove(sent_pack));
    CHECK(server.connections() == 1);
}

TEST_CASE("user and password go to the server, and nowhere else")
{
    const ScriptedServer server({answer("401 Unauthorized"), answer("401 Unauthorized")});
    RestOptions options = impatient();
    options.http.user = "another";
    options.http.password = "unused";
    const std::string bare = server.url().substr(7);
    const auto with_both = must(RestBackend::at("http://some%20one:open%20sesame@" + bare + "path", options));
    const Error error = error_of(with_both->load(sent_pack, 0, 0));
    CHECK(error.kind == ErrorKind::permission);
    // "some one:open sesame"
    CHECK(server.seen()[0].head.find("\r\nAuthorization: Basic c29tZSBvbmU6b3BlbiBzZXNhbWU=\r\n") !=
          std::string::npos);
    CHECK(server.seen()[0].path == fmt::format("/path/data/{}", sent_pack.id.hex()));
    for (const std::string& text : {error.what, error.next, with_both->location()}) {
        CHECK(text.find("sesame") == std::string::npos);
        CHECK(text.find("some") == std::string::npos);
    }
    CHECK(with_both->location() == "rest:http://" + bare + "path/");
    CHECK(error_of(place_at(server, options)->load(sent_pack)).kind == ErrorKind::permission);
    // "another:unused"
    CHECK(server.seen()[1].head.find("\r\nAuthorization: Basic YW5vdGhlcjp1bnVzZWQ=\r\n") !=
          std::string::npos);
}

TEST_CASE("all transfers together keep to the limit of speed")
{
    const ScriptedServer server({answer("200 OK"), answer("200 OK"), answer("200 OK", sent_text)});
    RestOptions options = impatient();
    options.http.upload_limit = 256;
    options.http.download_limit = 256;
    const std::unique_ptr<Backend> place = place_at(server, options);
    const auto start = std::chrono::steady_clock::now();
    {
        const auto saves = [&] { CHECK(place->save(sent_pack, sent_text).has_value()); };
        const std::jthread one(saves), other(saves);
    }
    // 100,000 bytes at 262,144 a second.
    const auto uploaded = std::chrono::steady_clock::now();
    CHECK(uploaded - start >= milliseconds(350));
    CHECK(must(place->load(sent_pack)) == sent_text);
    CHECK(std::chrono::steady_clock::now() - uploaded >= milliseconds(180));
}

}  // namespace
}  // namespace belay::backup
