#include "base/testing/must.h"
#include "framework/messages/outputs/otlp_records.h"
#include "framework/messages/outputs/output.h"
#include "framework/messages/outputs/output_line.h"
#include "framework/messages/outputs/syslog_line.h"
#include "store/scratch_folder.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::framework::messages {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds evening{1'764'439'445'120};  // 2025-11-29T18:04:05.120Z

Message said(Level level, std::string text)
{
    return {.id = {.component = 20, .number = 10},
            .level = level,
            .at = evening,
            .host = "web1",
            .application = "stat server",
            .interaction = {},
            .text = std::move(text),
            .attributes = {}};
}

std::string content(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> segments_of(const std::string& path)
{
    std::vector<std::string> found;
    const std::filesystem::path whole(path);
    for (const auto& entry : std::filesystem::directory_iterator(whole.parent_path()))
        if (entry.path() != whole) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
}

/// Null: all of it is in the file.
std::optional<Error> put(OutputFile& file, const Message& message, Milliseconds now = evening)
{
    std::optional<Error> problem;
    const size_t written = file.write(output_line(message), now, problem);
    CHECK(written == (problem ? 0 : 1));
    return problem;
}

TEST_CASE("a message is one line, whatever is in it")
{
    CHECK(output_line(said(Level::standard, "listens at port 7260")) ==
          "2025-11-29T18:04:05.120Z standard 20-00010 web1/stat server: listens at port 7260\n");
    CHECK(
        output_line(said(Level::alarm, "a\nb\\n\x1b[2J\t\x7f \xc4\x8d")) ==
        "2025-11-29T18:04:05.120Z alarm 20-00010 web1/stat server: a\\nb\\\\n\\x1b[2J\\x09\\x7f \xc4\x8d\n");
    CHECK(rfc3339(Milliseconds(0)) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339(Milliseconds(-1)) == "1969-12-31T23:59:59.999Z");
    CHECK(rfc3339(Milliseconds::max()) == "9999-12-31T23:59:59.999Z");
    CHECK(rfc3339(Milliseconds::min()) == "0000-01-01T00:00:00.000Z");
}

TEST_CASE("what was in the file stays")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "log/standard.log";
    for (int round = 0; round < 2; ++round) {
        OutputFile file({.path = path});
        CHECK_FALSE(put(file, said(Level::standard, "one")));
    }
    const std::string line = output_line(said(Level::standard, "one"));
    CHECK(content(path) == line + line);
}

TEST_CASE("a segment is no larger than it may be, and so many older ones stay")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "log/standard.log";
    OutputFile file({.path = path, .segment_bytes = 5000, .keep = 3});
    std::string many, last;
    for (int i = 0; i < 500; ++i) {
        last = output_line(said(Level::standard, fmt::format("number {:04}", i)));
        many += last;
    }
    std::optional<Error> problem;
    CHECK(file.write(many, evening, problem) == 500);
    CHECK_FALSE(problem);
    const auto older = segments_of(path);
    REQUIRE(older.size() == 3);
    std::string joined;
    for (const std::string& segment : older) {
        CHECK(std::filesystem::file_size(segment) <= 5000);
        CHECK(std::filesystem::file_size(segment) > 4900);
        joined += content(segment);
    }
    joined += content(path);
    CHECK(joined.ends_with(last));
    CHECK(joined.find("number 0000") == std::string::npos);
    const size_t first = joined.find("number ") + 7;
    CHECK(static_cast<size_t>(std::ranges::count(joined, '\n')) == 500 - std::stoul(joined.substr(first, 4)));

    INFO("one that is larger than a segment has one for itself");
    CHECK_FALSE(put(file, said(Level::standard, std::string(9000, 'x'))));
    CHECK(content(path).size() > 9000);
    CHECK_FALSE(put(file, said(Level::standard, "after")));
    CHECK(content(path) == output_line(said(Level::standard, "after")));
}

TEST_CASE("a segment ends with its age, and goes with its age")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "log/standard.log";
    OutputFile file({.path = path, .segment_age = 24h, .keep = 100, .keep_for = 72h});
    std::filesystem::create_directories(folder / "log");
    std::ofstream(folder / "log/standard.log.gz") << "a person's";
    for (int day = 0; day < 8; ++day)
        CHECK_FALSE(put(file, said(Level::standard, "one"), evening + day * 24h));
    const auto older = segments_of(path);
    CHECK(older.size() == 4 + 1);
    CHECK(older.front() == path + ".20251203T180405.120Z");
    CHECK(older.back() == path + ".gz");
}

TEST_CASE("a file that somebody has moved away or removed is begun anew")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "log/standard.log";
    OutputFile file({.path = path});
    CHECK_FALSE(put(file, said(Level::standard, "one")));
    std::filesystem::rename(path, path + ".old");
    CHECK_FALSE(put(file, said(Level::standard, "two")));
    CHECK(content(path) == output_line(said(Level::standard, "two")));
    CHECK(content(path + ".old") == output_line(said(Level::standard, "one")));
    std::filesystem::remove_all(folder / "log");
    CHECK_FALSE(put(file, said(Level::standard, "three")));
    CHECK(content(path) == output_line(said(Level::standard, "three")));
}

TEST_CASE("of what a full disk takes no line is half, and it goes on when there is room")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "standard.log";
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit small{.rlim_cur = 2050, .rlim_max = RLIM_INFINITY};
        const rlimit large{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
        if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(2);
        OutputFile file({.path = path});
        std::string lines;
        for (int i = 0; i < 100; ++i)
            lines += output_line(said(Level::standard, fmt::format("number {:04}", i)));
        std::optional<Error> problem;
        const size_t written = file.write(lines, evening, problem);
        if (!problem || written == 0 || written > 50) ::_exit(3);
        const std::string found = content(path);
        if (!found.ends_with('\n') || found.size() > 2050) ::_exit(4);
        if (static_cast<size_t>(std::ranges::count(found, '\n')) != written) ::_exit(5);
        if (::setrlimit(RLIMIT_FSIZE, &large) != 0) ::_exit(2);
        lines.erase(0, found.size());
        problem.reset();
        if (file.write(lines, evening, problem) != 100 - written || problem) ::_exit(6);
        ::_exit(content(path).size() == found.size() + lines.size() ? 0 : 7);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a place where nothing can be written is a problem, and holds nobody up")
{
    const store::ScratchFolder folder;
    std::ofstream(folder / "file") << "no folder";
    const std::string fifo = folder / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& path : {folder / "file/standard.log", fifo}) {
        OutputFile file({.path = path});
        CHECK(put(file, said(Level::standard, "one")));
    }
}

TEST_CASE("plans that make no sense are refused")
{
    const auto refused = [](const OutputPlan& plan) {
        const auto checked = check(plan);
        return !checked && checked.error().kind == ErrorKind::usage;
    };
    CHECK(refused({.path = "x"}));
    CHECK(refused({.path = "/tmp/"}));
    CHECK(refused({.path = "/tmp/x", .segment_bytes = 10}));
    CHECK(refused({.path = "/tmp/x", .keep = 1'000'000}));
    CHECK(refused({.path = "/tmp/x", .keep_for = Milliseconds(0)}));
    CHECK(check({.path = "/tmp/x"}));
}

TEST_CASE("a line of syslog has what RFC 5424 wants of it, whatever is in the message")
{
    constexpr unsigned local0 = 16, kernel = 0;
    CHECK(syslog_line(said(Level::standard, "listens at port 7260"), local0) ==
          "<133>1 2025-11-29T18:04:05.120Z web1 stat_server - 20-00010 [belay@32473 level=\"standard\" "
          "application=\"stat server\"] \xef\xbb\xbflistens at port 7260");
    Message odd = said(Level::alarm, "two\nlines");
    odd.host = "";
    odd.application = "";
    odd.interaction = "a ] \" \\";
    odd.attributes = {{"the seats]", "40"}, {"wh\xc3\xa4t", ""}};
    const std::string line = syslog_line(odd, kernel);
    CHECK(line ==
          "<1>1 2025-11-29T18:04:05.120Z - belay - 20-00010 [belay@32473 level=\"alarm\" interaction=\"a \\] "
          "\\\" "
          "\\\\\"][attributes@32473 the_seats_=\"40\" wh__t=\"\"] \xef\xbb\xbftwo\nlines");
    CHECK(syslog_frame(odd, kernel) == fmt::format("{} {}", line.size(), line));
    CHECK(syslog_line(said(Level::trace, ""), local0).starts_with("<135>1 "));
}

TEST_CASE("records of OTLP are by who has said them")
{
    std::vector<StoredMessage> messages = {
        {1, said(Level::alarm, "one")}, {2, said(Level::standard, "two")}, {3, said(Level::trace, "three")}};
    messages[1].message.application = "";
    messages[2].message.interaction = "call 8823";
    messages[2].message.attributes = {{"port", "7260"}};
    const Json request = otlp_request(messages);
    const Json& resources = request.at("resourceLogs");
    REQUIRE(resources.size() == 2);
    CHECK(resources.at(0).at("resource").at("attributes").at(1).at("value").at("stringValue") == "belay");
    const Json& records = resources.at(1).at("scopeLogs").at(0).at("logRecords");
    REQUIRE(records.size() == 2);
    CHECK(records.at(0).at("timeUnixNano") == "1764439445120000000");
    CHECK(records.at(0).at("severityNumber") == 17);
    CHECK(records.at(1).at("body").at("stringValue") == "three");
    CHECK(records.at(1).at("attributes").size() == 4);
}

TEST_CASE("an output is what the configuration says, and is read as it is told")
{
    const auto read = [](Output output) {
        const Output again = must(read_output(Json(output)));
        CHECK(Json(again) == Json(output));
    };
    read({.name = "a", .levels = {Level::alarm}, .to = OutputPlan{.path = "/tmp/x", .keep = 3}});
    read({.name = "b",
          .levels = {Level::trace},
          .to = SyslogPlan{.server = "h:514", .tls = false, .facility = 3}});
    read({.name = "c",
          .levels = {},
          .to = OtlpPlan{.url = "http://h:4318/v1/logs", .token_file = "/etc/token"}});
    for (const char* wrong : {"{}", R"({"name": "a", "levels": ["loud"], "kind": "file"})",
                              R"({"name": "a", "levels": [], "kind": "pipe"})",
                              R"({"name": "a", "levels": [], "kind": "syslog", "server": 5})"}) {
        const auto outcome = read_output(must(parse_json(wrong)));
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error().kind == ErrorKind::usage);
    }
}

}  // namespace
}  // namespace belay::framework::messages
