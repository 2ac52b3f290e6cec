#include "host/recorded.h"

#include "base/json.h"
#include "host/encoding.h"
#include "host/real.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <thread>

namespace belay::host {
namespace {

constexpr std::string_view head = "{\"format\":\"belay-recording\",\"version\":1}\n";

std::unique_ptr<RecordedHost> played(std::string_view contacts)
{
    auto host = recorded_host(fmt::format("{}{}", head, contacts));
    REQUIRE_MESSAGE(host, (host ? "" : host.error().what));
    return *std::move(host);
}

Error refusal_of(std::string_view text)
{
    const auto host = recorded_host(text);
    REQUIRE(!host);
    return host.error();
}

Error refusal_of_line(std::string_view line)
{
    return refusal_of(fmt::format("{}{}\n{}\n", head, R"({"call":"read","path":"/a","answer":""})", line));
}

std::string error_text(const Error& error)
{
    nlohmann::json json = error;
    return json.dump();
}

/// Every kind of reading call, with its answer as text.
std::vector<std::string> probe(Host& host)
{
    std::vector<std::string> said;
    const auto note = [&](const Result<std::string>& text) {
        said.push_back(text ? *text : error_text(text.error()));
    };
    const Outcome outcome = *host.run({.argv = {"sh", "-c", "cat; printf '\\377\\000'; echo no >&2; exit 5"},
                                       .input = std::string("in\xfe\0put", 7)});
    said.push_back(fmt::format("{} {} {}", outcome.exit_code, outcome.out, outcome.err));
    note(host.read("/proc/version"));
    note(host.read("/no/such/file"));
    note(host.resolve("/proc/self/../version"));
    note(host.read_at("/bin/sh", Bytes{0}, Bytes{64}));
    note(host.random(24));
    said.push_back(fmt::format("{}", fmt::join(*host.list("/proc/sys/kernel/random"), " ")));
    const Space room = *host.space("/");
    said.push_back(fmt::format("{} {}", room.free.count, room.total.count));
    const Moment moment = *host.now();
    said.push_back(fmt::format("{} {} {}", moment.wall.count(), moment.boot.count(), moment.boot_id));
    said.push_back(error_text(host.run({.argv = {"belay-no-such-program"}}).error()));
    return said;
}

TEST_CASE("what a real machine said is played back byte for byte")
{
    const auto machine = real_host();
    Recorder recorder(*machine);
    const std::vector<std::string> said = probe(recorder);
    const std::string text = *recorder.text();
    const auto host = *recorded_host(text);
    CHECK(host->unused().size() == said.size());
    CHECK(probe(*host) == said);
    CHECK(host->unused().empty());
    Recorder again(*host);
    probe(again);
    CHECK(*again.text() == text);
}

TEST_CASE("the same question gets its answers in their order, and the last one for ever")
{
    const auto host = played(R"({"call":"read","path":"/a","answer":"1"}
{"call":"read","path":"/b","answer":"x"}
{"call":"read","path":"/a","answer":"2"}
)");
    CHECK(host->unused() ==
          std::vector<std::string>{"line 2: read /a", "line 3: read /b", "line 4: read /a"});
    CHECK(*host->read("/a", Bytes{9}) == "1");
    CHECK(host->unused() == std::vector<std::string>{"line 3: read /b", "line 4: read /a"});
    CHECK(*host->read("/a", Bytes{9}) == "2");
    CHECK(*host->read("/a", Bytes{9}) == "2");
    CHECK(host->unused() == std::vector<std::string>{"line 3: read /b"});
}

TEST_CASE("a question that was never recorded is named")
{
    const auto host = played(R"({"call":"run","argv":["cat"],"answer":{"exit_code":0,"out":"","err":""}}
)");
    const Error error = host->run({.argv = {"cat", "a b"}}).error();
    CHECK(error.kind == ErrorKind::not_found);
    CHECK(error.what == "the recording has no answer to: run cat 'a b'");
    CHECK(host->run({.argv = {"cat"}, .input = "x"}).error().kind == ErrorKind::not_found);
    CHECK(host->run({.argv = {"cat"}, .limit = std::chrono::hours(1)}));
}

TEST_CASE("a recording refuses whatever changes the machine")
{
    const auto host = played(R"({"call":"run","argv":["cat"],"answer":{"exit_code":0,"out":"","err":""}}
)");
    CHECK(host->run({.argv = {"cat"}, .effect = Effect::changes}).error().kind == ErrorKind::refused);
    CHECK(host->write("/a", "x").error().kind == ErrorKind::refused);
    CHECK(host->replace("/a", "x").error().kind == ErrorKind::refused);
    CHECK(host->remove("/a").error().kind == ErrorKind::refused);
    CHECK(host->write_at("/a", Bytes{0}, "x").error().kind == ErrorKind::refused);
}

TEST_CASE("changes are passed on by the recorder, and not kept")
{
    const auto machine = real_host();
    Recorder recorder(*machine);
    CHECK(recorder.run({.argv = {"echo", "done"}, .effect = Effect::changes})->out == "done\n");
    CHECK(recorder.write("/no/such/file", "x").error().kind == ErrorKind::not_found);
    CHECK(*recorder.text() == head);
}

TEST_CASE("a recorded file is held against the limit of whoever reads it")
{
    const auto host = played("{\"call\":\"read\",\"path\":\"/a\",\"answer\":\"12345\"}\n");
    CHECK(host->read("/a", Bytes{4}).error().kind == ErrorKind::corrupt);
    CHECK(host->read("/a", Bytes{5}));
}

TEST_CASE("serial numbers are masked in questions and answers, and the probe still finds its way")
{
    const auto machine = played(R"({"call":"list","path":"/dev/disk/by-id","answer":["ata-WD_S3Z8NB0K"]}
{"call":"resolve","path":"/dev/disk/by-id/ata-WD_S3Z8NB0K","answer":"/dev/sda"}
{"call":"run","argv":["smartctl","S3Z8NB0K"],"answer":{"exit_code":1,"out":"Serial: S3Z8NB0K, not S3Z8NB0KX","err":"S3Z8NB0K"}}
{"call":"read","path":"/S3Z8NB0K","error":{"kind":"io","what":"S3Z8NB0K is gone"}}
)");
    const auto ask = [](Host& host) {
        const std::string link = fmt::format("/dev/disk/by-id/{}", host.list("/dev/disk/by-id")->front());
        const std::string serial = link.substr(link.rfind('_') + 1);
        CHECK(*host.resolve(link) == "/dev/sda");
        CHECK(host.run({.argv = {"smartctl", serial}})->err == serial);
        CHECK(host.read(fmt::format("/{}", serial)).error().kind == ErrorKind::io);
        return serial;
    };
    Recorder recorder(*machine);
    ask(recorder);
    REQUIRE(recorder.mask({"S3Z8NB0K", "S3Z8NB0KX"}));
    const std::string text = *recorder.text();
    CHECK(text.find("S3Z8NB0K") == std::string::npos);

    const auto host = *recorded_host(text);
    const std::string pseudonym = ask(*host);
    CHECK(pseudonym.size() == 8);
    CHECK(pseudonym != "S3Z8NB0K");
    CHECK(host->unused().empty());
}

TEST_CASE("a pseudonym is the same every time, and what is too short to mask is refused")
{
    const auto machine =
        played("{\"call\":\"read\",\"path\":\"/a\",\"answer\":\"naa.5000c500a1b2c3d4 5000c500\"}\n");
    const auto masked = [&](std::vector<std::string> secrets) {
        Recorder recorder(*machine);
        CHECK(recorder.read("/a", Bytes{99}));
        REQUIRE(recorder.mask(std::move(secrets)));
        return *(*recorded_host(*recorder.text()))->read("/a", Bytes{99});
    };
    const std::string one = masked({"5000c500a1b2c3d4"});
    CHECK(one == masked({"unrelated", "5000c500a1b2c3d4"}));
    CHECK(one.starts_with("naa."));
    CHECK(one.ends_with(" 5000c500"));
    CHECK(one.substr(4, 16).find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(masked({"5000c500", "5000c500a1b2c3d4"}).substr(0, 20) == one.substr(0, 20));
    Recorder recorder(*machine);
    CHECK(recorder.mask({"sda"}).error().kind == ErrorKind::usage);
}

TEST_CASE("a number that is masked stays a number: in JSON none begins with 0")
{
    const auto machine =
        played("{\"call\":\"read\",\"path\":\"/a\",\"answer\":\"{\\\"id\\\":2712847328}\"}\n");
    Recorder recorder(*machine);
    CHECK(recorder.read("/a", Bytes{99}));
    REQUIRE(recorder.mask({"2712847328"}));
    const std::string text = *(*recorded_host(*recorder.text()))->read("/a", Bytes{99});
    CHECK(text.find("2712847328") == std::string::npos);
    const auto json = parse_json(text);
    REQUIRE(json);
    CHECK(json->at("id").is_number_unsigned());
}

TEST_CASE("a damaged recording is refused with the line and what is wrong there")
{
    struct Damage {
        std::string_view line;
        std::string_view what;
    };
    const Damage damages[] = {
        {"", "not JSON"},
        {"{", "not JSON"},
        {"[]", "the line is not an object"},
        {"{}", "no \"call\""},
        {R"({"call":"write","path":"/a","answer":""})", "unknown call \"write\""},
        {R"({"call":"read","answer":""})", "no \"path\""},
        {R"({"call":"read","path":7,"answer":""})", "\"path\" is not a text"},
        {R"({"call":"read","path":"/a"})", "no \"answer\""},
        {R"({"call":"read","path":"/a","answer":"","limit":3})", "unknown field \"limit\""},
        {R"({"call":"read","path":"/a","answer":"","error":{"kind":"io","what":""}})",
         "unknown field \"answer\""},
        {R"({"call":"read","path":"/a","answer":{"base64":"YQ"}})", "\"answer\" is not base64"},
        {R"({"call":"read","path":"/a","answer":{"base64":" YQ=="}})", "\"answer\" is not base64"},
        {R"({"call":"read","path":"/a","error":{"kind":"odd","what":""}})", "unknown kind \"odd\""},
        {R"({"call":"read","path":"/a","error":"io"})", "\"error\" is not an object"},
        {R"({"call":"run","argv":[],"answer":{"exit_code":0,"out":"","err":""}})", "\"argv\" is empty"},
        {R"({"call":"run","argv":["a",1],"answer":{"exit_code":0,"out":"","err":""}})",
         "an item of \"argv\""},
        {R"({"call":"run","argv":["a"],"answer":{"exit_code":-1,"out":"","err":""}})",
         "\"exit_code\" is not"},
        {R"({"call":"run","argv":["a"],"answer":{"exit_code":256,"out":"","err":""}})",
         "\"exit_code\" is not"},
        {R"({"call":"run","argv":["a"],"answer":{"exit_code":0,"out":""}})", "no \"err\""},
        {R"({"call":"read_at","path":"/a","offset":0,"size":3,"answer":"ab"})", "has 2 bytes, not 3"},
        {R"({"call":"now","answer":{"wall":1.5,"boot":0,"boot_id":""}})", "\"wall\" is not a number"},
    };
    for (const Damage& damage : damages) {
        CAPTURE(damage.line);
        const Error error = refusal_of_line(damage.line);
        CAPTURE(error.what);
        CHECK(error.kind == ErrorKind::corrupt);
        CHECK(error.what.starts_with("line 3 of the recording: "));
        CHECK(error.what.find(damage.what) != std::string::npos);
    }
}

TEST_CASE("what is no recording, cut off, too new or too long is refused")
{
    CHECK(refusal_of("").kind == ErrorKind::corrupt);
    CHECK(refusal_of("{\"format\":\"other\",\"version\":1}\n").what ==
          "line 1 of the recording: this is not a belay-recording");
    CHECK(refusal_of("{\"format\":\"belay-recording\",\"version\":2}\n").kind == ErrorKind::version);
    CHECK(refusal_of(fmt::format("{}{}", head, "{\"call\":\"now\"")).what ==
          "the recording ends within a line");
    const std::string long_line((16 << 20) + 1, ' ');
    CHECK(refusal_of_line(long_line).what == "line 3 of the recording is longer than 16 MiB");
    CHECK(refusal_of(std::string((64 << 20) + 1, '\n')).what == "the recording is larger than 64 MiB");
    CHECK(refusal_of_line(std::string(100'000, '[')).kind == ErrorKind::corrupt);
}

TEST_CASE(
    "an answer too long for the format is an error of the recorder, not a recording that cannot be read")
{
    const auto machine = real_host();
    Recorder recorder(*machine);
    CHECK(recorder.run({.argv = {"head", "-c", "4000000", "/dev/zero"}}));  // a zero byte takes six in JSON
    const Error error = recorder.text().error();
    CHECK(error.kind == ErrorKind::usage);
    CHECK(error.what == "the answer to run head -c 4000000 /dev/zero is too long for a recording");
}

TEST_CASE("bytes survive whether they are UTF-8 or not")
{
    const std::string_view texts[] = {"", "plain", "žluťoučký", "\xf0\x9f\x92\xbe",
                                      std::string_view("a\0b", 3)};
    for (const std::string_view text : texts) {
        CHECK(encode_bytes(text).is_string());
        CHECK(*decode_bytes(encode_bytes(text)) == text);
    }
    const std::string_view not_texts[] = {
        "\xff",         "\xc0\x80",         "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xc3",         "a\x80"};
    for (const std::string_view bytes : not_texts) {
        CHECK(encode_bytes(bytes).is_object());
        CHECK(*decode_bytes(encode_bytes(bytes)) == bytes);
    }
}

TEST_CASE("threads may record and play back at once")
{
    const auto machine = played("{\"call\":\"read\",\"path\":\"/a\",\"answer\":\"1\"}\n");
    Recorder recorder(*machine);
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 50; ++k) static_cast<void>(recorder.read("/a", Bytes{9}));
        });
    }
    for (std::thread& thread : threads) thread.join();
    const std::string text = *recorder.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 201);
}

}  // namespace
}  // namespace belay::host
