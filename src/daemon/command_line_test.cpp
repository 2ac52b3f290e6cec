// The options of belayd, by its program: what a person may write on the command line and in a file.

#include "base/json.h"
#include "daemon/testing/run.h"
#include "site/client.h"
#include "store/scratch_folder.h"

#include <fstream>
#include <sstream>

namespace belay::daemon {
namespace {

using testing::Ran;

/// A folder with files for a daemon, and whatever daemon was started there.
class Bench {
  public:
    Bench() = default;
    ~Bench()
    {
        if (pid_ == 0) return;
        kill(pid_, SIGTERM);
        testing::await_end_of(pid_);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    std::string path() const { return folder_.path(); }
    std::string operator/(std::string_view name) const { return folder_ / name; }
    void write(std::string_view name, const std::string& text) const
    {
        std::ofstream(folder_ / name) << text;
    }
    std::string read(std::string_view name) const
    {
        std::ifstream file(folder_ / name);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    bool has(std::string_view name) const { return access((folder_ / name).c_str(), F_OK) == 0; }

    /// Runs belayd to its end.
    static Ran run(std::vector<std::string> options)
    {
        options.insert(options.begin(), TEST_BELAYD);
        return testing::run_to_end(options);
    }
    void start(std::vector<std::string> options)
    {
        options.insert(options.begin(), TEST_BELAYD);
        pid_ = testing::start_and_await_ready(options);
    }
    /// Ends the daemon in order; its exit code.
    int stop()
    {
        kill(pid_, SIGTERM);
        return testing::code_of(std::exchange(pid_, 0));
    }

  private:
    store::ScratchFolder folder_;
    pid_t pid_ = 0;
};

bool has_text(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

TEST_CASE("a file gives the options, a section of it those of one daemon, and the command line counts more")
{
    Bench bench;
    bench.write("belayd.conf", fmt::format(R"(state-dir = "{0}/shared"
socket = "{0}/shared.sock"

[first]
state-dir = "{0}/first"
socket = "{0}/first.sock"
log-file = "{0}/first.log"
log-verbose = "all"

[second]
state-dir = "{0}/second"
socket = "{0}/second.sock"
log-file = "{0}/second.log"
)",
                                           bench.path()));
    bench.start({"-c", bench / "belayd.conf", "-s", "first"});
    CHECK(bench.has("first/belay.db"));
    CHECK(bench.has("first.sock"));
    CHECK(has_text(bench.read("first.log"), "all       the store is at revision"));
    CHECK(has_text(bench.read("first.log"), fmt::format("standard  serves {}", bench / "first.sock")));
    CHECK(bench.stop() == 0);
    CHECK(has_text(bench.read("first.log"), "was told to end"));

    bench.start({"--config", bench / "belayd.conf", "--section", "second", "--socket", bench / "other.sock",
                 "--log-verbose", "standard"});
    CHECK(bench.has("second/belay.db"));
    CHECK(bench.has("other.sock"));
    CHECK(!bench.has("second.sock"));
    CHECK(has_text(bench.read("second.log"), "serves "));
    CHECK(!has_text(bench.read("second.log"), " all "));
    CHECK(bench.stop() == 0);

    bench.start({"-c", bench / "belayd.conf"});
    CHECK(bench.has("shared/belay.db"));
    CHECK(bench.has("shared.sock"));
    CHECK(bench.stop() == 0);
}

TEST_CASE("files and sections that make no sense are refused before anything is made")
{
    Bench bench;
    bench.write("good.conf", "[one]\nlog-verbose = \"all\"\n");
    bench.write("unknown.conf", "state-folder = \"/tmp/x\"\n");
    bench.write("mistyped.conf", "[one]\nlog-verbos = \"all\"\n");
    bench.write("relative.conf", "state-dir = \"state\"\n");
    bench.write("level.conf", "log-verbose = \"loud\"\n");
    bench.write("in-the-way", "");
    struct Wrong {
        std::vector<std::string> options;
        std::string says;
    };
    const auto file = [&](const char* name) { return bench / name; };
    const std::vector<Wrong> all = {{{"-c", file("nowhere.conf")}, "nowhere.conf"},
                                    {{"-c", file("good.conf"), "-s", "two"}, "has no section [two]"},
                                    {{"-s", "one"}, "has no section [one]"},
                                    {{"-c", file("unknown.conf")}, "state-folder"},
                                    {{"-c", file("mistyped.conf"), "-s", "one"}, "log-verbos"},
                                    {{"-c", file("relative.conf")}, "must be absolute"},
                                    {{"-c", file("level.conf")}, "\"loud\" is no level of the log"}};
    for (Wrong wrong : all) {
        // Were one of them taken, it could not serve here, and would serve nowhere else.
        wrong.options.insert(wrong.options.end(), {"--socket", bench / "in-the-way/belayd.sock"});
        if (wrong.says != "must be absolute")
            wrong.options.insert(wrong.options.end(), {"--state-dir", bench / "state"});
        const Ran ran = Bench::run(wrong.options);
        CHECK_MESSAGE(ran.code == 2, ran.said);
        CHECK_MESSAGE(has_text(ran.said, wrong.says), ran.said);
    }
    CHECK(!bench.has("state"));
}

TEST_CASE("where it says what it does, and how much, is checked first as well")
{
    Bench bench;
    const std::vector<std::string> place = {"--state-dir", bench / "state", "--socket",
                                            bench / "belayd.sock"};
    const auto run_with = [&](std::vector<std::string> options) {
        options.insert(options.end(), place.begin(), place.end());
        return Bench::run(options);
    };
    const Ran loud = run_with({"--log-verbose", "loud"});
    CHECK(loud.code == 2);
    CHECK_MESSAGE(has_text(loud.said, "there are none, standard, trace, all"), loud.said);
    const Ran relative = run_with({"--log-file", "belayd.log"});
    CHECK(relative.code == 2);
    CHECK_MESSAGE(has_text(relative.said, "must be absolute"), relative.said);
    const Ran nowhere = run_with({"--log-file", bench / "nowhere/log"});
    CHECK(nowhere.code == 1);
    CHECK_MESSAGE(has_text(nowhere.said, "cannot open the log"), nowhere.said);
    CHECK(!bench.has("state"));

    // A start that fails can be followed from its first moment on.
    bench.write("in-the-way", "");
    const Ran failed =
        Bench::run({"--state-dir", bench / "in-the-way/state", "--socket", bench / "belayd.sock",
                    "--log-file", bench / "log", "--log-verbose", "trace"});
    CHECK(failed.code == 1);
    CHECK(has_text(bench.read("log"), "standard  belayd " BELAY_VERSION ", process "));
    CHECK(has_text(bench.read("log"), "cannot serve: "));

    const Ran quiet =
        Bench::run({"--state-dir", bench / "in-the-way/state", "--socket", bench / "belayd.sock",
                    "--log-file", bench / "none", "--log-verbose", "none"});
    CHECK(quiet.code == 1);
    CHECK(bench.read("none").empty());
    CHECK_MESSAGE(has_text(quiet.said, "in-the-way"), quiet.said);
}

TEST_CASE("the log goes on through starts, and says each of them")
{
    Bench bench;
    const std::vector<std::string> options = {"--state-dir",         bench / "state", "--socket",
                                              bench / "belayd.sock", "--log-file",    bench / "log",
                                              "--log-verbose",       "trace"};
    for (int start = 0; start < 2; ++start) {
        bench.start(options);
        CHECK(site::connect({.socket = bench / "belayd.sock", .state_folder = {}, .daemon = {}}));
        CHECK(bench.stop() == 0);
    }
    const std::string log = bench.read("log");
    size_t starts = 0;
    for (size_t at = log.find("belayd " BELAY_VERSION); at != std::string::npos;
         at = log.find("belayd " BELAY_VERSION, at + 1))
        ++starts;
    CHECK(starts == 2);
}

}  // namespace
}  // namespace belay::daemon
