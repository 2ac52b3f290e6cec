// Each of the ten alarms that are always there, on real hosts: raised by its cause, and over when that is.

#include "stack.h"

#include <chrono>
#include <csignal>

namespace belay {
namespace {

using namespace std::chrono_literals;
using testing::need;
using testing::Stack;

constexpr size_t alpha = 0, web1 = 1;
constexpr std::string_view message_folder = "/var/lib/belay/messages";

constexpr std::string_view alarmed_site = R"(
[host.alpha]
address = "alpha"

[host.web1]
address = "web1"
heartbeat_interval = "500ms"
heartbeat_timeout = "3s"
lost_after = "6s"

[application.shop]
host = "web1"
command = ["belay-stand-in", "--name", "shop", "--trace", "/run/trace", "--port", "5002"]
readiness = { kind = "notify" }
nonstop = "0"
prerequisites = [{ kind = "file", path = "/etc/contact-centre/license.dat", valid_until = "2099-12-31" }]

[solution.sales]
applications = [{ application = "shop" }]
)";

/// Messages of web1 have a small disk of their own, which can be full while all else has room.
lab::SiteOptions with_small_message_disk()
{
    lab::SiteOptions options;
    options.modules = {"raid1", "loop"};
    options.at_boot = {{"sh", "-c",
                        "[ $(hostname) = web1 ] || exit 0; mkdir -p /run/messages && "
                        "mount -t tmpfs -o size=16m messages /run/messages"}};
    return options;
}

/// One for all cases: each leaves it without an alarm.
Stack& stack()
{
    static Stack one({"alpha", "web1"}, std::string(alarmed_site), with_small_message_disk());
    return one;
}

std::string run(size_t host, const std::string& command)
{
    return need(stack().site().run(host, {"sh", "-c", command}));
}

Json newest_of(const std::string& name)
{
    const host::Outcome told = need(stack().site().belay(alpha, {"alarms", "--all", "--json"}));
    REQUIRE_MESSAGE(told.exit_code == 0, told.err);
    Json found;
    const Json answer = need(parse_json(told.out));
    for (const Json& alarm : answer.at("alarms")) {
        if (alarm.at("alarm") == name) found = alarm;
    }
    return found;
}

bool is_raised(const std::string& name)
{
    const Json alarm = newest_of(name);
    return !alarm.is_null() && alarm.at("state") != "cleared";
}

Json await_raised(const std::string& name)
{
    CAPTURE(name);
    REQUIRE(Stack::await_that([&] { return is_raised(name); }));
    return newest_of(name);
}

void await_cleared(const std::string& name)
{
    CAPTURE(name);
    REQUIRE(Stack::await_that([&] { return !is_raised(name); }));
}

void apply(const std::string& text)
{
    need(stack().site().run(alpha, {"tee", "/root/change.toml"}, text));
    const host::Outcome applied =
        need(stack().site().belay(alpha, {"config", "apply", "/root/change.toml", "--json"}));
    REQUIRE_MESSAGE(applied.exit_code == 0, applied.out, applied.err);
    const host::Outcome listed = need(stack().site().belay(alpha, {"show", "--json"}));
    const Json answer = need(parse_json(listed.out));
    const std::string id = answer.at("operations")[0].at("id");
    const host::Outcome committed = need(stack().site().belay(alpha, {"commit", id}));
    REQUIRE_MESSAGE(committed.exit_code == 0, committed.out, committed.err);
}

/// Days from today, as "2027-01-31".
std::string day(int days)
{
    std::string text = run(alpha, fmt::format("date -u -d '{} days' +%F", days));
    text.pop_back();
    return text;
}

TEST_CASE("a link is cut: the connection at once, the host after its time; both end when it is back")
{
    stack().await_phase(alpha, "shop", "started");
    need(stack().site().set_link(web1, false));
    CHECK(await_raised("connection-lost").at("host") == "web1");
    CHECK(await_raised("host-unavailable").at("severity") == "critical");
    need(stack().site().set_link(web1, true));
    for (const char* name : {"connection-lost", "host-unavailable"}) await_cleared(name);
}

TEST_CASE("a belayd that hangs: its host is connected, and does not answer")
{
    const std::string pid = run(web1, "pgrep -o belayd");
    run(web1, "kill -STOP " + pid);
    CHECK(await_raised("host-inaccessible").at("host") == "web1");
    run(web1, "kill -CONT " + pid);
    for (const char* name : {"host-inaccessible", "connection-lost", "host-unavailable"}) await_cleared(name);
}

TEST_CASE("a host without power when the controller begins to lead has never come")
{
    stack().site().power_cut(web1);
    need(stack().site().kill_daemon(alpha));
    need(stack().site().start_daemon(alpha));
    CHECK(await_raised("host-unreachable").at("host") == "web1");
    need(stack().site().boot(web1));
    need(stack().site().start_daemon(web1));
    for (const char* name : {"host-unreachable", "host-unavailable", "connection-lost"}) await_cleared(name);
    stack().await_phase(alpha, "shop", "started");
    for (const char* name : {"service-unavailable", "solution-changed", "application-failed"})
        await_cleared(name);
}

TEST_CASE(
    "an application dies and is not started again: itself, its solution, and that nobody had asked for it")
{
    const Json shop = stack().await_phase(alpha, "shop", "started");
    stack().kill(web1, shop.at("pid"));
    const Json failed = await_raised("application-failed");
    CHECK(failed.at("application") == "shop");
    CHECK(failed.at("count") == 1);
    await_raised("service-unavailable");
    await_raised("solution-changed");
    const host::Outcome started = need(stack().site().belay(alpha, {"app", "start", "shop"}));
    REQUIRE_MESSAGE(started.exit_code == 0, started.out, started.err);
    for (const char* name : {"application-failed", "service-unavailable", "solution-changed"})
        await_cleared(name);
}

TEST_CASE("a licence ends in three days, until there is another one")
{
    const auto until = [](const std::string& last_day) {
        return fmt::format(
            "[application.shop]\nprerequisites = [{{ kind = \"file\", path = "
            "\"/etc/contact-centre/license.dat\", valid_until = \"{}\" }}]\n",
            last_day);
    };
    apply(until(day(3)));
    CHECK(await_raised("licence-ending").at("application") == "shop");
    apply(until("2099-12-31"));
    await_cleared("licence-ending");
}

/// Says one message after another on web1, each kept before the next, and prints its number then.
constexpr const char* speaker = R"(
import json, socket, sys
belay = socket.socket(socket.AF_UNIX)
belay.connect("/run/belay/say.sock")
answers = belay.makefile("rb")
number = int(sys.argv[1])
while True:
    number += 1
    for line in ({"id": "20-00010", "level": "alarm", "text": f"spoken {number}"}, {"sync": number}):
        belay.sendall(json.dumps(line).encode() + b"\n")
    if not answers.readline():
        break
    print(number, flush=True)
)";

uint64_t last_line(const std::string& text)
{
    const size_t end = text.rfind('\n');
    if (end == std::string::npos) return 0;
    const size_t begin = text.rfind('\n', end - 1);
    return std::stoull(text.substr(begin == std::string::npos ? 0 : begin + 1));
}

TEST_CASE(
    "the power is cut on the host that speaks, and on the controller: what was kept is counted, each once")
{
    apply("[alarm.spoken]\nseverity = \"minor\"\ndetect = { event = \"20-00010\" }\n");
    uint64_t acknowledged = 0;
    for (size_t round = 0; round < 4; ++round) {
        const size_t victim = round % 2 == 0 ? web1 : alpha;
        CAPTURE(round);
        // Somebody has to be there to be spoken to.
        need(stack().site().belay(web1, {"messages"}));
        lab::Process speaking = need(
            stack().site().host(web1).start({"python3", "-c", speaker, fmt::format("{}", acknowledged)}));
        std::string heard;
        const auto listen_for = [&](Milliseconds time) {
            const auto until = std::chrono::steady_clock::now() + time;
            while (std::chrono::steady_clock::now() < until) {
                if (const Result<std::string> more = speaking.read(10ms)) heard += *more;
            }
        };
        REQUIRE(Stack::await_that([&] {
            listen_for(100ms);
            return last_line(heard) > 0;
        }));
        listen_for(Milliseconds(300 + 400 * static_cast<int64_t>(round)));
        stack().site().power_cut(victim);
        if (victim == alpha) {
            listen_for(500ms);
            need(speaking.signal(SIGKILL));
        }
        acknowledged = std::max(acknowledged, last_line(heard));
        need(stack().site().boot(victim));
        need(stack().site().start_daemon(victim));
    }
    for (const char* name : {"host-unreachable", "host-unavailable", "connection-lost"}) await_cleared(name);
    const host::Outcome listed =
        need(stack().site().belay(web1, {"messages", "--id", "20-00010", "--limit", "10000", "--json"}));
    REQUIRE_MESSAGE(listed.exit_code == 0, listed.err);
    const Json answer = need(parse_json(listed.out));
    const uint64_t kept = answer.at("messages").size();
    MESSAGE(acknowledged, " messages were acknowledged, ", kept, " are there");
    CHECK(kept >= acknowledged);
    Json alarm;
    CHECK_MESSAGE(Stack::await_that([&] {
                      alarm = newest_of("spoken");
                      return !alarm.is_null() && alarm.at("count") == kept;
                  }),
                  alarm.dump());
    apply("[alarm.spoken]\nremove = true\n");
    await_cleared("spoken");
}

TEST_CASE("the disk for messages is full, until it has room: an alarm of its host, and nothing else suffers")
{
    // On the small disk from now on.
    need(stack().site().stop_daemon(web1));
    run(web1, fmt::format("pkill -x belay-messages; while pgrep -x belay-messages; do sleep 0.1; done; "
                          "rm -rf {0} && mkdir /run/messages/own && ln -s /run/messages/own {0}",
                          message_folder));
    need(stack().site().start_daemon(web1));
    for (const char* name : {"host-unavailable", "connection-lost"}) await_cleared(name);
    const Json shop = stack().await_phase(alpha, "shop", "started");
    run(web1, "dd if=/dev/zero of=/run/messages/filler bs=64k status=none || true");
    // What is said now does not fit.
    const auto say = [] {
        run(web1,
            "timeout 5 python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); "
            "s.connect('/run/belay/say.sock'); s.sendall(b'x' * 200000 + b'\\n')\" || true");
    };
    REQUIRE(Stack::await_that([&] {
        say();
        return is_raised("message-store-lost");
    }));
    const Json alarm = newest_of("message-store-lost");
    CHECK(alarm.at("host") == "web1");
    CHECK(alarm.at("severity") == "critical");
    CHECK(stack().await_phase(alpha, "shop", "started").at("pid") == shop.at("pid"));
    run(web1, "rm /run/messages/filler");
    await_cleared("message-store-lost");
}

TEST_CASE("a mirror of another host than the controller loses a disk, and has it back")
{
    run(web1,
        "cd /run && for i in 1 2; do truncate -s 32M leg$i && losetup /dev/loop$i leg$i; done; "
        "mdadm --create /dev/md/data --run --level=1 --raid-devices=2 --metadata=1.2 /dev/loop1 /dev/loop2 "
        "&& "
        "mdadm --wait /dev/md/data || true");
    // The kernel's word on arrays is heard from a start on at which there are some.
    need(stack().site().stop_daemon(web1));
    need(stack().site().start_daemon(web1));
    for (const char* name : {"host-unavailable", "connection-lost"}) await_cleared(name);
    run(web1, "mdadm /dev/md/data --fail /dev/loop2 && mdadm /dev/md/data --remove /dev/loop2");
    const Json alarm = await_raised("storage-unhealthy");
    CHECK(alarm.at("host") == "web1");
    CHECK(alarm.at("text").get<std::string>().starts_with("md."));
    run(web1,
        "mdadm --zero-superblock /dev/loop2 && mdadm /dev/md/data --add /dev/loop2 && mdadm --wait "
        "/dev/md/data || true");
    await_cleared("storage-unhealthy");
}

}  // namespace
}  // namespace belay
