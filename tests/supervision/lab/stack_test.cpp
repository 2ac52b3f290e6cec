// Applications on three real hosts while what watches them dies, hosts and links fail, and some of them
// behave as badly as applications do.

#include "stack.h"

namespace belay {
namespace {

using namespace std::chrono_literals;
using stand_in::Happened;
using stand_in::when;
using testing::need;
using testing::Stack;

constexpr size_t alpha = 0, web1 = 1, web2 = 2;
constexpr uint16_t server_port = 5002, stat_port = 5004;

/// A chain over all hosts, and those that make trouble when they are started.
constexpr std::string_view site = R"(
[host.alpha]
address = "alpha"

[host.web1]
address = "web1"
heartbeat_interval = "500ms"
heartbeat_timeout = "3s"

[host.web2]
address = "web2"
heartbeat_interval = "500ms"
heartbeat_timeout = "3s"

[application.licence]
host = "alpha"
command = ["belay-stand-in", "--name", "licence", "--trace", "/run/trace", "--port", "7260"]
readiness = { kind = "notify" }

[application.config]
host = "web1"
command = ["belay-stand-in", "--name", "config", "--trace", "/run/trace", "--port", "2020", "--needs", "alpha:7260"]
readiness = { kind = "notify" }
prerequisites = [{ kind = "application", application = "licence" }]

[application.server]
host = "web1"
command = ["belay-stand-in", "--name", "server", "--trace", "/run/trace", "--port", "5002", "--needs", "web1:2020"]
readiness = { kind = "notify" }
prerequisites = [{ kind = "application", application = "config" }]

[application.stat]
host = "web2"
command = ["belay-stand-in", "--name", "stat", "--trace", "/run/trace", "--port", "5004"]
readiness = { kind = "notify" }
prerequisites = [{ kind = "application", application = "server" }]

[application.crasher]
host = "web1"
command = ["belay-stand-in", "--name", "crasher", "--trace", "/run/trace", "--fail-after", "0"]
nonstop = "4/1m"
restart_delay = "200ms"
autostart = false

[application.deaf]
host = "web1"
command = ["belay-stand-in", "--name", "deaf", "--trace", "/run/trace", "--ignores-term", "--children", "2"]
readiness = { kind = "notify" }
shutdown_timeout = "2s"
autostart = false

[application.bomb]
host = "web2"
command = ["/bin/sh", "-c", "bomb() { bomb & bomb & }; while true; do bomb; done"]
limits = { processes = 30 }
autostart = false

[application.chatty]
host = "web2"
command = ["belay-stand-in", "--name", "chatty", "--trace", "/run/trace", "--lines-a-second", "10000"]
readiness = { kind = "notify" }
autostart = false
)";

/// One for all cases: each leaves all of the chain started.
Stack& stack()
{
    static Stack one({"alpha", "web1", "web2"}, std::string(site));
    return one;
}

/// Their processes, all of them started.
std::map<std::string, pid_t> chain()
{
    std::map<std::string, pid_t> pids;
    for (const char* name : {"licence", "config", "server", "stat"})
        pids[name] = stack().await_phase(alpha, name, "started")["pid"];
    return pids;
}

/// Waits until all are started, and checks that it is as before for all but some.
void check_untouched(const std::map<std::string, pid_t>& before, const std::vector<std::string>& but = {})
{
    for (const auto& [name, pid] : chain()) {
        CAPTURE(name);
        if (std::ranges::find(but, name) == but.end()) CHECK(pid == before.at(name));
    }
    for (const size_t host : {alpha, web1, web2}) stack().check_hands(host);
}

/// The time of the longest of some answers.
Milliseconds slowest_answer(size_t host, uint16_t port, int calls)
{
    Milliseconds slowest{0};
    for (int call = 0; call < calls; ++call) {
        const auto took = stack().answers_within(host, port);
        REQUIRE(took);
        slowest = std::max(slowest, *took);
    }
    return slowest;
}

bool is_another(const Json& now, pid_t before)
{
    return now["phase"] == "started" && now["pid"] != before;
}

TEST_CASE("a chain over three hosts starts in its order, each in the hands of one supervisor")
{
    const auto pids = chain();
    CHECK(pids.size() == 4);
    check_untouched(pids);
    const auto on_web1 = stack().happened(web1);
    CHECK(when(on_web1, "config", "ready") < when(on_web1, "server", "started"));
    for (const size_t host : {alpha, web1, web2})
        for (const Happened& one : stack().happened(host)) CHECK_FALSE(one.what.starts_with("missed"));
}

TEST_CASE(
    "an agent is killed: applications live, are restarted meanwhile, and are known again with every end")
{
    const auto before = chain();
    need(stack().site().kill_daemon(web1));
    stack().kill(web1, before.at("server"));
    const bool is_back = Stack::await_that([&] {
        const auto all = stack().happened(web1);
        return std::ranges::any_of(all, [&](const Happened& one) {
            return one.name == "server" && one.what == "ready" && one.pid > before.at("server");
        });
    });
    CHECK(is_back);
    need(stack().site().start_daemon(web1));
    const Json server =
        stack().await(alpha, "server", [&](const Json& now) { return is_another(now, before.at("server")); });
    CHECK(server["restarts"] == 1);
    CHECK(server["last"] == "signal 9 (Killed)");
    check_untouched(before, {"server"});
}

TEST_CASE(
    "a supervisor is killed, then its guard: the next takes over all applications, and restarts what dies")
{
    const auto before = chain();
    const pid_t supervisor = stack().supervisor(web1);
    stack().kill(web1, supervisor);
    CHECK(Stack::await_that([&] {
        const pid_t now = stack().supervisor(web1);
        return now != 0 && now != supervisor;
    }));
    check_untouched(before);

    const pid_t guard = stack().processes(web1).at(stack().supervisor(web1)).parent;
    stack().kill(web1, guard);
    CHECK(Stack::await_that([&] {
        const pid_t now = stack().supervisor(web1);
        return now != 0 && stack().processes(web1)[now].parent != guard;
    }));
    check_untouched(before);

    stack().kill(web1, before.at("server"));
    stack().await(alpha, "server", [&](const Json& now) { return is_another(now, before.at("server")); });
    check_untouched(before, {"server"});
}

TEST_CASE("a host loses its power: what is wanted comes back in order, and others' applications go on")
{
    const auto before = chain();
    stack().site().power_cut(web1);
    const Json lost = stack().await_phase(alpha, "server", "unknown");
    CHECK(lost["reason"] == "was started when its host was last heard");
    CHECK(stack().applications(alpha)["stat"]["pid"] == before.at("stat"));
    need(stack().site().boot(web1));
    need(stack().site().start_daemon(web1));
    check_untouched(before, {"config", "server"});
    const auto all = stack().happened(web1);
    CHECK(when(all, "config", "ready") < when(all, "server", "started"));
    CHECK_FALSE(when(all, "crasher", "started"));
}

TEST_CASE("a link is cut: what runs behind it goes on and is restarted; it is unknown until the link is back")
{
    const auto before = chain();
    need(stack().site().set_link(web2, false));
    stack().await_phase(alpha, "stat", "unknown");
    stack().kill(web2, before.at("stat"));
    // What it needs on another host was there when it was last heard of.
    stack().await(web2, "stat", [&](const Json& now) { return is_another(now, before.at("stat")); });
    need(stack().site().set_link(web2, true));
    CHECK(stack().await_phase(alpha, "stat", "started")["restarts"] == 1);
    check_untouched(before, {"stat"});
}

TEST_CASE("the controller is gone: hosts go on, restart what dies, and are obeyed by hand")
{
    const auto before = chain();
    need(stack().site().kill_daemon(alpha));
    stack().kill(web1, before.at("server"));
    stack().await(web1, "server", [&](const Json& now) { return is_another(now, before.at("server")); });
    for (const char* verb : {"stop", "start"}) {
        const host::Outcome done = need(stack().site().belay(web2, {"app", verb, "stat"}));
        CHECK_MESSAGE(done.exit_code == 0, done.out, done.err);
    }
    need(stack().site().start_daemon(alpha));
    check_untouched(before, {"server", "stat"});
}

TEST_CASE("one that crashes at once for ever: with longer and longer pauses, then it is given up")
{
    const auto before = chain();
    const host::Outcome asked = need(stack().site().belay(web1, {"app", "start", "crasher", "--no-wait"}));
    CHECK(asked.exit_code == 0);
    const Json failed = stack().await_phase(alpha, "crasher", "failed");
    CHECK(failed["reason"] == "ended unasked, by exit code 3 (5 times within 1 min)");
    std::vector<int64_t> starts;
    for (const Happened& one : stack().happened(web1)) {
        if (one.name == "crasher" && one.what == "started") starts.push_back(one.at);
    }
    REQUIRE(starts.size() == 5);
    constexpr int64_t millisecond = 1'000'000;
    CHECK(starts[2] - starts[1] >= 200 * millisecond);
    CHECK(starts[3] - starts[2] >= 400 * millisecond);
    CHECK(starts[4] - starts[3] >= 800 * millisecond);
    check_untouched(before);
}

TEST_CASE("one that ignores SIGTERM is ended by force after its time, with what it has started")
{
    const auto before = chain();
    CHECK(need(stack().site().belay(web1, {"app", "start", "deaf"})).exit_code == 0);
    const auto begun = std::chrono::steady_clock::now();
    const host::Outcome stopped = need(stack().site().belay(web1, {"app", "stop", "deaf"}));
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK_MESSAGE(stopped.exit_code == 0, stopped.out, stopped.err);
    const Json deaf = stack().applications(web1)["deaf"];
    CHECK(deaf["last"] == "signal 9 (Killed)");
    CHECK(took >= 2s);
    for (const auto& [pid, seen] : stack().processes(web1)) CHECK(seen.name != "sleep");
    check_untouched(before);
}

TEST_CASE("a fork bomb stays within its limit, and the others live on")
{
    const auto before = chain();
    CHECK(need(stack().site().belay(web2, {"app", "start", "bomb"})).exit_code == 0);
    CHECK(stack().applications(web2)["bomb"]["not_in_force"].empty());
    size_t most = 0;
    for (int look = 0; look < 5; ++look) {
        const auto all = stack().processes(web2);
        most = std::max(most, static_cast<size_t>(std::ranges::count_if(
                                  all, [](const auto& one) { return one.second.name == "sh"; })));
        CHECK(stack().answers_within(web2, stat_port));
    }
    MESSAGE("at most ", most, " processes of the bomb were seen");
    CHECK(most > 5);
    CHECK(most <= 32);  // two may be ours: the shell that looks, and the one that it was started by
    // What dies beside it is restarted.
    stack().kill(web2, before.at("stat"));
    stack().await(web2, "stat", [&](const Json& now) { return is_another(now, before.at("stat")); });
    const host::Outcome stopped = need(stack().site().belay(web2, {"app", "stop", "bomb"}));
    CHECK_MESSAGE(stopped.exit_code == 0, stopped.out, stopped.err);
    const auto left = stack().processes(web2);
    CHECK(std::ranges::count_if(left, [](const auto& one) { return one.second.name == "sh"; }) <= 2);
    check_untouched(before, {"stat"});
}

TEST_CASE("10,000 lines a second: who prints them is not held up, and nobody else is slowed")
{
    const auto before = chain();
    const Milliseconds usual = slowest_answer(web2, stat_port, 20);
    CHECK(need(stack().site().belay(web2, {"app", "start", "chatty"})).exit_code == 0);
    const auto printed = [&] {
        std::vector<std::pair<int64_t, std::string>> seconds;
        for (const Happened& one : stack().happened(web2)) {
            if (one.name == "chatty" && one.what.starts_with("printed "))
                seconds.emplace_back(one.at, one.what);
        }
        return seconds;
    };
    const Milliseconds meanwhile = slowest_answer(web2, stat_port, 20);
    CHECK(Stack::await_that([&] { return printed().size() >= 5; }));
    const auto seconds = printed();
    REQUIRE(seconds.size() >= 5);
    // From the first to the last whole ten thousand.
    const auto span = std::chrono::nanoseconds(seconds.back().first - seconds.front().first);
    const auto rate =
        static_cast<double>(seconds.size() - 1) * 10'000 / std::chrono::duration<double>(span).count();
    long longest = 0;
    for (const auto& [at, text] : seconds)
        longest = std::max(longest, std::stol(text.substr(text.rfind(' '))));
    MESSAGE("lines a second: ", rate, "; the longest print: ", longest,
            " us; slowest answer of a neighbour: ", usual.count(), " ms before, ", meanwhile.count(),
            " ms meanwhile");
    // On a host that is busy itself the guest has less of a processor.
    CHECK(rate > 5'000);
    CHECK(longest < 500'000);
    CHECK(meanwhile < usual + 200ms);
    CHECK(need(stack().site().belay(web2, {"app", "stop", "chatty"})).exit_code == 0);
    check_untouched(before);
}

}  // namespace
}  // namespace belay
