#include "site/log.h"

#include "base/testing/must.h"
#include "store/scratch_folder.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <thread>

namespace belay::site {
namespace {

std::vector<std::string> lines_of(const std::string& path)
{
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

/// What is said in each level, to a log of this one.
std::vector<std::string> said_at(LogLevel level)
{
    const store::ScratchFolder folder;
    Log log(level);
    must(log.write_to(folder / "log"));
    log.standard("begins");
    log.trace("somebody came");
    log.detail("a step");
    std::vector<std::string> said;
    for (const std::string& line : lines_of(folder / "log")) {
        // "2026-11-27 07:28:40.123Z standard  begins"
        REQUIRE(line.size() > 35);
        CHECK(line[10] == ' ');
        CHECK(line[23] == 'Z');
        said.push_back(line.substr(25));
    }
    return said;
}

TEST_CASE("each level says what those before it say, and a line has its time and its level")
{
    using Said = std::vector<std::string>;
    CHECK(said_at(LogLevel::none).empty());
    CHECK(said_at(LogLevel::standard) == Said{"standard  begins"});
    CHECK(said_at(LogLevel::trace) == Said{"standard  begins", "trace     somebody came"});
    CHECK(said_at(LogLevel::all) == Said{"standard  begins", "trace     somebody came", "all       a step"});
}

TEST_CASE("levels have names, and another name is refused with those that there are")
{
    for (const LogLevel level : {LogLevel::none, LogLevel::standard, LogLevel::trace, LogLevel::all})
        CHECK(must(log_level_named(name_of(level))) == level);
    for (const char* name : {"", "loud", "Trace", "all "}) {
        const auto level = log_level_named(name);
        REQUIRE(!level);
        CHECK(level.error().kind == ErrorKind::usage);
        CHECK(level.error().what ==
              fmt::format("\"{}\" is no level of the log: there are none, standard, trace, all", name));
    }
}

TEST_CASE("whatever the world puts into a reason, it stays one line and moves no cursor")
{
    const store::ScratchFolder folder;
    Log log(LogLevel::standard);
    must(log.write_to(folder / "log"));
    log.standard(std::string_view("two\nlines\r, \x1b[2J and a \0 zero\x7f", 30));
    const std::vector<std::string> lines = lines_of(folder / "log");
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().ends_with("standard  two?lines?, ?[2J and a ? zero?"));
}

TEST_CASE("a log goes on at the end of its file, which others may not read")
{
    const store::ScratchFolder folder;
    for (const char* said : {"first", "second"}) {
        Log log(LogLevel::standard);
        must(log.write_to(folder / "log"));
        log.standard(said);
    }
    const std::vector<std::string> lines = lines_of(folder / "log");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].ends_with("first"));
    CHECK(lines[1].ends_with("second"));
    struct stat about{};
    REQUIRE(stat((folder / "log").c_str(), &about) == 0);
    CHECK((about.st_mode & 07137) == 0);
}

TEST_CASE("a file that cannot be opened is an error, and what is said afterwards is lost and holds up nobody")
{
    const store::ScratchFolder folder;
    Log log(LogLevel::none);
    CHECK(log.write_to(folder / "nowhere/log").error().kind == ErrorKind::not_found);
    CHECK(!log.write_to(folder.path()));
    Log full(LogLevel::standard);
    must(full.write_to("/dev/full"));
    full.standard("nobody reads this");
}

TEST_CASE("lines of many threads and of two logs in one file are each whole")
{
    const store::ScratchFolder folder;
    Log first(LogLevel::standard), second(LogLevel::standard);
    for (Log* log : {&first, &second}) must(log->write_to(folder / "log"));
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number)
        threads.emplace_back([&, number] {
            for (int line = 0; line < 200; ++line)
                (number % 2 == 0 ? first : second)
                    .standard(std::string(200, static_cast<char>('a' + number)));
        });
    for (std::thread& thread : threads) thread.join();
    const std::vector<std::string> lines = lines_of(folder / "log");
    CHECK(lines.size() == 800);
    for (const std::string& line : lines) {
        const std::string text = line.substr(std::min<size_t>(line.size(), 35));
        CHECK(text == std::string(200, text.empty() ? '?' : text.front()));
    }
}

}  // namespace
}  // namespace belay::site
