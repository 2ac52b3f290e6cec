#include "message_server/followed_file.h"

#include "base/testing/must.h"
#include "host/testing/scratch.h"
#include "message_server/time_text.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <random>

namespace belay::message_server {
namespace {

using host::testing::Scratch;

/// As the supervisor writes it.
class Printed {
  public:
    explicit Printed(std::string path) : path_(std::move(path)) {}

    void print(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }
    void line()
    {
        print(fmt::format("{} line {}\n", time_text(Milliseconds(1'790'000'000'000 + count_)), count_));
        ++count_;
    }
    void turn_over(unsigned segments = 4)
    {
        for (unsigned segment = segments - 1; segment > 0; --segment) {
            const std::string newer = segment == 1 ? path_ : fmt::format("{}.{}", path_, segment - 1);
            std::error_code none;
            std::filesystem::rename(newer, fmt::format("{}.{}", path_, segment), none);
        }
    }
    int count() const { return count_; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
    int count_ = 0;
};

/// Reads what there is; the texts.
std::vector<std::string> read_all(FollowedFile& file, std::string& position, size_t most = 1 << 16)
{
    std::vector<std::string> texts;
    while (true) {
        const Piece piece = must(file.read(most));
        for (const PrintedLine& line : piece.lines) texts.push_back(line.text);
        if (piece.position.empty()) return texts;
        position = piece.position;
    }
}

TEST_CASE("what stands there at first is old; then each line comes once, when it has its end")
{
    const Scratch scratch;
    Printed printed(scratch.path("a.log"));
    printed.line();
    FollowedFile file(printed.path(), std::nullopt);
    std::string position;
    CHECK(read_all(file, position).empty());
    printed.line();
    printed.print("2026-11-27T19:30:00.123Z begun");
    CHECK(read_all(file, position) == std::vector<std::string>{"line 1"});
    printed.print(" and ended\n(belay: 7 lines were dropped)\n\n");
    const Piece piece = must(file.read(1 << 16));
    REQUIRE(piece.lines.size() == 2);
    CHECK(piece.lines[0].text == "begun and ended");
    CHECK(piece.lines[0].at == time_at_front("2026-11-27T19:30:00.123Z"));
    CHECK(piece.lines[1].text == "(belay: 7 lines were dropped)");
    CHECK(!piece.lines[1].at);
    CHECK(!piece.lost);
}

TEST_CASE("a file that is not there yet is read from its beginning when it comes, also after a restart")
{
    const Scratch scratch;
    Printed printed(scratch.path("a.log"));
    const std::string begun = FollowedFile(printed.path(), std::nullopt).position();
    printed.line();
    FollowedFile file(printed.path(), begun);
    const Piece piece = must(file.read(1 << 16));
    CHECK(piece.lines.size() == 1);
    CHECK(!piece.lost);
}

TEST_CASE("whoever follows, and is killed at any piece, gets every line once over all changes of names")
{
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        const Scratch scratch;
        Printed printed(scratch.path("a.log"));
        auto file = std::make_unique<FollowedFile>(printed.path(), std::nullopt);
        std::string position = file->position();
        std::vector<std::string> got;
        for (int step = 0; step < 60; ++step) {
            const auto dice = random() % 10;
            if (dice < 6) {
                for (auto lines = random() % 20; lines > 0; --lines) printed.line();
            } else if (dice < 7) {
                printed.turn_over(30);
            } else if (dice < 8) {
                file = std::make_unique<FollowedFile>(printed.path(), position);
            } else {
                const Piece piece = must(file->read(64 + random() % 200));
                CHECK(!piece.lost);
                if (!piece.position.empty()) position = piece.position;
                for (const PrintedLine& line : piece.lines) got.push_back(line.text);
            }
        }
        printed.line();
        for (std::string& text : read_all(*file, position)) got.push_back(std::move(text));
        REQUIRE(got.size() == static_cast<size_t>(printed.count()));
        for (size_t at = 0; at < got.size(); ++at) REQUIRE(got[at] == fmt::format("line {}", at));
    }
}

TEST_CASE("what was overwritten before it was read is said to be lost, and the rest comes")
{
    const Scratch scratch;
    Printed printed(scratch.path("a.log"));
    printed.line();
    std::string position = FollowedFile(printed.path(), "0 0 0").position();
    {
        FollowedFile file(printed.path(), position);
        CHECK(read_all(file, position).size() == 1);
    }
    for (int segment = 0; segment < 4; ++segment) {
        printed.turn_over();
        printed.line();
    }
    FollowedFile file(printed.path(), position);
    const Piece piece = must(file.read(1 << 16));
    CHECK(piece.lost);
    CHECK(piece.lines.size() == 1);
    CHECK(piece.lines[0].text == "line 1");
    std::filesystem::resize_file(printed.path(), 0);
    read_all(file, position);
    printed.line();
    CHECK(read_all(file, position).back() == "line 5");
}

TEST_CASE("a line longer than a piece comes in several; what is no file is none")
{
    const Scratch scratch;
    Printed printed(scratch.path("a.log"));
    printed.print(std::string(1000, 'x') + "\nafter\n");
    FollowedFile file(printed.path(), "0 0 0");
    std::string position;
    const auto got = read_all(file, position, 300);
    CHECK(got.size() == 5);
    CHECK(got.back() == "after");
    std::filesystem::create_directory(scratch.path("folder"));
    FollowedFile folder(scratch.path("folder"), "0 0 0");
    CHECK(read_all(folder, position).empty());
    FollowedFile garbled(printed.path(), "what 1 2");
    CHECK(read_all(garbled, position).empty());
}

}  // namespace
}  // namespace belay::message_server
