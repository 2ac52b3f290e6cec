#include "framework/messages/outputs/outputs.h"

#include "base/testing/must.h"
#include "framework/messages/outputs/output_line.h"
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

void put(Outputs& outputs, const Message& message, Milliseconds now = evening)
{
    outputs.write({&message, 1}, now);
    CHECK(outputs.settle(60s));
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

TEST_CASE("each level goes to the files that want it; what was there stays")
{
    const store::ScratchFolder folder;
    const std::string standard = folder / "log/standard.log", all = folder / "log/all.log";
    for (int round = 0; round < 2; ++round) {
        const auto outputs =
            must(Outputs::begin({{.levels = {Level::alarm, Level::standard}, .path = standard},
                                 {.levels = {Level::alarm, Level::standard, Level::trace}, .path = all}},
                                "web1"));
        put(*outputs, said(Level::standard, "one"));
        put(*outputs, said(Level::trace, "two"));
        put(*outputs, said(Level::debug, "three"));
        CHECK(outputs->figures().at(0).written == 1);
        CHECK(outputs->figures().at(1).written == 2);
    }
    const std::string line = output_line(said(Level::standard, "one"));
    CHECK(content(standard) == line + line);
    CHECK(content(all).size() > 3 * line.size());
}

TEST_CASE("a segment is no larger than it may be, and so many older ones stay")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "log/standard.log";
    const auto outputs = must(Outputs::begin(
        {{.levels = {Level::standard}, .path = path, .segment_bytes = 5000, .keep = 3}}, "web1"));
    std::vector<Message> many;
    for (int i = 0; i < 500; ++i) many.push_back(said(Level::standard, fmt::format("number {:04}", i)));
    outputs->write(many, evening);
    CHECK(outputs->settle(60s));
    const auto older = segments_of(path);
    REQUIRE(older.size() == 3);
    std::string joined;
    for (const std::string& file : older) {
        CHECK(std::filesystem::file_size(file) <= 5000);
        CHECK(std::filesystem::file_size(file) > 4900);
        joined += content(file);
    }
    joined += content(path);
    CHECK(joined.ends_with(output_line(many.back())));
    CHECK(joined.find("number 0000") == std::string::npos);
    const size_t first = joined.find("number ") + 7;
    CHECK(static_cast<size_t>(std::ranges::count(joined, '\n')) == 500 - std::stoul(joined.substr(first, 4)));
    CHECK(outputs->figures().at(0).written == 500);

    INFO("one that is larger than a segment has one for itself");
    put(*outputs, said(Level::standard, std::string(9000, 'x')));
    CHECK(content(path).size() > 9000);
    put(*outputs, said(Level::standard, "after"));
    CHECK(content(path) == output_line(said(Level::standard, "after")));
}

TEST_CASE("a segment ends with its age, and goes with its age")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "log/standard.log";
    const auto outputs = must(Outputs::begin(
        {{.levels = {Level::standard}, .path = path, .segment_age = 24h, .keep = 100, .keep_for = 72h}},
        "web1"));
    std::filesystem::create_directories(folder / "log");
    std::ofstream(folder / "log/standard.log.gz") << "a person's";
    for (int day = 0; day < 8; ++day) put(*outputs, said(Level::standard, "one"), evening + day * 24h);
    const auto older = segments_of(path);
    CHECK(older.size() == 4 + 1);
    CHECK(older.front() == path + ".20251203T180405.120Z");
    CHECK(older.back() == path + ".gz");
}

TEST_CASE("a file that somebody has moved away or removed is begun anew")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "log/standard.log";
    const auto outputs = must(Outputs::begin({{.levels = {Level::standard}, .path = path}}, "web1"));
    put(*outputs, said(Level::standard, "one"));
    std::filesystem::rename(path, path + ".old");
    put(*outputs, said(Level::standard, "two"));
    CHECK(content(path) == output_line(said(Level::standard, "two")));
    CHECK(content(path + ".old") == output_line(said(Level::standard, "one")));
    std::filesystem::remove_all(folder / "log");
    put(*outputs, said(Level::standard, "three"));
    CHECK(content(path) == output_line(said(Level::standard, "three")));
}

TEST_CASE("what a full disk does not take is counted, no line is half, and it is said when there is room")
{
    const store::ScratchFolder folder;
    const std::string path = folder / "standard.log";
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit small{.rlim_cur = 2050, .rlim_max = RLIM_INFINITY};
        const rlimit large{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
        if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(2);
        const auto outputs = Outputs::begin({{.levels = {Level::standard}, .path = path}}, "web1");
        if (!outputs) ::_exit(2);
        for (int i = 0; i < 100; ++i) put(**outputs, said(Level::standard, fmt::format("number {:04}", i)));
        const OutputFigures full = (*outputs)->figures().at(0);
        if (full.written + full.missing != 100 || full.missing < 50 || full.problem.empty()) ::_exit(3);
        const std::string lines = content(path);
        if (!lines.ends_with('\n') || lines.size() > 2050) ::_exit(4);
        if (::setrlimit(RLIMIT_FSIZE, &large) != 0) ::_exit(2);
        put(**outputs, said(Level::standard, "after"));
        const OutputFigures good = (*outputs)->figures().at(0);
        if (good.missing != full.missing || !good.problem.empty()) ::_exit(5);
        const std::string gap = fmt::format("web1/: {} messages are missing here: ", full.missing);
        ::_exit(content(path).find(gap) != std::string::npos && content(path).ends_with(": after\n") ? 0 : 6);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a place where nothing can be written is told in the figures, and costs nobody anything")
{
    const store::ScratchFolder folder;
    std::ofstream(folder / "file") << "no folder";
    const std::string fifo = folder / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const auto outputs =
        must(Outputs::begin({{.levels = {Level::standard}, .path = folder / "file/standard.log"},
                             {.levels = {Level::standard}, .path = fifo}},
                            "web1"));
    put(*outputs, said(Level::standard, "one"));
    for (const OutputFigures& figures : outputs->figures()) {
        CHECK(figures.missing == 1);
        CHECK_FALSE(figures.problem.empty());
    }
}

TEST_CASE("plans that make no sense are refused")
{
    const auto refused = [](OutputPlan plan) {
        const auto begun = Outputs::begin({std::move(plan)}, "web1");
        return !begun && begun.error().kind == ErrorKind::usage;
    };
    CHECK(refused({.levels = {}, .path = "/tmp/x"}));
    CHECK(refused({.levels = {Level::alarm}, .path = "x"}));
    CHECK(refused({.levels = {Level::alarm}, .path = "/tmp/"}));
    CHECK(refused({.levels = {Level::alarm}, .path = "/tmp/x", .segment_bytes = 10}));
    CHECK(refused({.levels = {Level::alarm}, .path = "/tmp/x", .keep = 1'000'000}));
    CHECK(refused({.levels = {Level::alarm}, .path = "/tmp/x", .keep_for = Milliseconds(0)}));
    const OutputPlan plan{.levels = {Level::alarm}, .path = "/tmp/x"};
    CHECK_FALSE(Outputs::begin({plan, plan}, "web1"));
}

}  // namespace
}  // namespace belay::framework::messages
