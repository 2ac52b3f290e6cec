// What applications and Belay say, as a person finds it.

#include "machine.h"

#include <algorithm>
#include <sstream>

namespace belay {
namespace {

using namespace std::chrono_literals;
using daemon::testing::Ran;
using testing::Machine;
using testing::own_host_name;

constexpr auto patience = 60s;

/// Waits until `belay messages` with these words says that.
Ran await_message(Machine& machine, std::vector<std::string> words, std::string_view text)
{
    words.insert(words.begin(), "messages");
    const auto until = std::chrono::steady_clock::now() + patience;
    while (true) {
        Ran ran = machine.belay(words);
        REQUIRE_MESSAGE(ran.code == 0, ran.said);
        if (ran.out.find(text) != std::string::npos) return ran;
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, ran.said);
        usleep(50'000);
    }
}

size_t lines_of(const std::string& text)
{
    return static_cast<size_t>(std::ranges::count(text, '\n'));
}

TEST_CASE("what applications say and print, and what becomes of them, is found by belay messages")
{
    Machine machine;
    machine.start_daemon({});
    machine.configure(fmt::format(R"(
[host."{0}"]
address = "127.0.0.1"

[application.speaker]
host = "{0}"
command = ["/bin/sh", "-c", "{1} {2} 'I am here'; exec sleep 1000"]

[application.printer]
host = "{0}"
command = ["/bin/sh", "-c", "echo I was printed; exec sleep 1000"]
log_level = "trace"

[application.failing]
host = "{0}"
command = ["/bin/false"]
nonstop = "0/10s"
)",
                                  own_host_name(), TEST_SPEAKER, machine.path("run/say.sock")));
    await_message(machine, {"--grep", "i AM here"}, ": I am here\n");
    await_message(machine, {"--app", "printer", "--level", "trace"}, "trace       printer: I was printed\n");
    await_message(machine, {"--id", "03-00010"}, "speaker: speaker has started (03-00010)\n");
    await_message(machine, {"--level", "alarm"}, "alarm       failing: failing has failed");
    const Ran none = machine.belay({"messages", "--app", "nobody"});
    CHECK(none.code == 0);
    CHECK(none.out == "there is no such message\n");
    CHECK(machine.belay({"messages", "--level", "loud"}).code == 2);
    CHECK(machine.belay({"messages", "--host", "elsewhere"}).code == 5);

    const std::string followed = machine.path("followed");
    const pid_t follower = machine.belay_into({"messages", "--follow", "--grep", "said later"}, followed);
    // The one that has died is there again by itself, for those who speak.
    const pid_t before = machine.pid_at("run/messages.sock");
    REQUIRE(before > 0);
    kill(before, SIGKILL);
    const auto until = std::chrono::steady_clock::now() + patience;
    for (pid_t now = before; now == before || now == 0; now = machine.pid_at("run/messages.sock")) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(10'000);
    }
    for (const char* word : {"once", "twice"})
        CHECK(daemon::testing::run_to_end(
                  {TEST_SPEAKER, machine.path("run/say.sock"), fmt::format("said later {}", word)})
                  .code == 0);
    const auto text = [&] {
        std::ostringstream all;
        all << std::ifstream(followed).rdbuf();
        return all.str();
    };
    while (lines_of(text()) < 2) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, text());
        usleep(10'000);
    }
    CHECK(text().find("said later once\n") < text().find("said later twice\n"));
    kill(follower, SIGTERM);
    waitpid(follower, nullptr, 0);
    // All that was said before the kill is there once.
    CHECK(lines_of(machine.belay({"messages", "--grep", "I am here"}).out) == 1);
    CHECK(lines_of(
              machine.belay({"messages", "--app", "printer", "--level", "trace", "--grep", "printed"}).out) ==
          1);
}

}  // namespace
}  // namespace belay
