// How far a long command has come, as people and scripts see it; and the speed that it may have.

#include "rest_server.h"
#include "shop.h"

namespace belay::backup {
namespace {

/// A repository on a server, and a folder to save.
class Distant : public Scratch {
  public:
    explicit Distant(size_t files, size_t size_of_each)
    {
        static_cast<void>(
            must(Repository::create(server.place(), password, {.cost = {.n = 16, .r = 1, .p = 1}})));
        std::filesystem::create_directory(path("tree"));
        for (size_t i = 0; i < files; ++i)
            write(fmt::format("tree/{}", i), random_text(size_of_each, static_cast<unsigned>(i)));
    }
    Words environment() const
    {
        return {"RESTIC_REPOSITORY=" + server.location(), "RESTIC_PASSWORD=" + std::string(password)};
    }
    /// How long it takes; it must succeed.
    double seconds(const Words& words) const
    {
        const auto began = std::chrono::steady_clock::now();
        const Said said = run_program(environment(), words);
        REQUIRE_MESSAGE(said.code == 0, said.out, said.err);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }

    RestServer server{*this};
};

TEST_CASE("--limit-upload and --limit-download hold the speed that they name, each its own, at any place")
{
    const Distant distant(1, 512 << 10);
    init(distant);
    const std::string tree = distant.path("tree"), back = distant.path("back");
    for (const std::string& repository : {distant.server.location(), distant.path("repository")}) {
        INFO(repository);
        // How long it takes, with this limit in one direction and as good as none in the other.
        const auto seconds = [&](Words words, const char* limit, const char* other) {
            words.insert(words.end(), {"-q", "-r", repository, limit, "512", other, "1000000"});
            return distant.seconds(words);
        };
        // 512 KiB, and little beside.
        const double up = seconds({"run", tree}, "--limit-upload", "--limit-download");
        CHECK(up > 0.9);
        CHECK(up < 15);
        const double down =
            seconds({"restore", "latest", "--target", back}, "--limit-download", "--limit-upload");
        CHECK(down > 0.9);
        CHECK(down < 15);
        Scratch::run({"diff", "-r", tree, back + tree});
        std::filesystem::remove_all(back);
    }
}

TEST_CASE("a backup shows files, bytes, speed and time left on a terminal, and clears them at its end")
{
    const Distant distant(12, 2 << 20);
    Words environment = distant.environment();
    environment.emplace_back("RESTIC_PROGRESS_FPS=20");
    ProgramOnTerminal child(environment,
                            {"run", distant.path("tree"), "--pack-size", "4", "--limit-upload", "8192"});
    const auto progress = [&] {
        // The two rows that stand above the cursor.
        std::string text = child.screen().text();
        while (text.ends_with('\n')) text.pop_back();
        const size_t last = text.rfind('\n'), before = text.rfind('\n', last - 1);
        return before == std::string::npos ? text : text.substr(before + 1);
    };
    REQUIRE(child.until([&] {
        const std::string rows = progress();
        return rows.find(" %, ") != std::string::npos && rows.find(" s left, ") != std::string::npos &&
               rows.find(" MiB/s, ") != std::string::npos && rows.find(" of 24 MiB\n") != std::string::npos &&
               rows.find(" of 12 files, saving " + distant.path("tree/")) != std::string::npos;
    }));
    CHECK_FALSE(child.screen().cursor_shown());
    CHECK(child.end() == 0);
    const std::string text = child.screen().text();
    INFO(text);
    CHECK(text.find(" left") == std::string::npos);
    CHECK(text.find("saving ") == std::string::npos);
    CHECK(text.find("12 new, ") != std::string::npos);
    CHECK(text.find(" saved") != std::string::npos);
    CHECK(child.screen().cursor_shown());
    CHECK_FALSE(child.screen().had_broken_rows());
}

TEST_CASE("--json says as often as RESTIC_PROGRESS_FPS wants how far it has come")
{
    const Distant distant(1, 8 << 20);
    Words environment = distant.environment();
    environment.emplace_back("RESTIC_PROGRESS_FPS=10");
    const Said said = run_program(
        environment, {"run", "--json", distant.path("tree"), "--pack-size", "4", "--limit-upload", "8192"});
    CHECK(said.code == 0);
    size_t states = 0;
    double before = 0;
    for (const Json& line : Shop::lines(said.out)) {
        if (line.at("message_type") != "status") continue;
        ++states;
        CHECK(line.at("percent_done") >= before);
        before = line.at("percent_done");
    }
    CHECK(states >= 3);
    CHECK(Shop::lines(said.out).back().at("message_type") == "summary");
}

}  // namespace
}  // namespace belay::backup
