// The daemon watches arrays on a real kernel, and an array is a gate of another operation.

#include "workbench.h"

namespace belay {
namespace {

using Words = Workbench::Words;
using namespace std::chrono_literals;

/// A mirror of a and b with the spare c, and a mirror of d alone for operations.
struct Watched : Workbench {
    Watched()
        : Workbench(
              {{"a", {48 << 20}}, {"b", {48 << 20}}, {"c", {48 << 20}}, {"d", {48 << 20}}, {"e", {48 << 20}}},
              {"raid1"})
    {
        shell(
            "mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --spare-devices=1 --bitmap=internal " +
            disk("a") + " " + disk("b") + " " + disk("c") +
            " 2>/dev/null; mdadm --wait /dev/md0 || true; udevadm settle");
    }
    /// Waits until an alarm of this event was raised; how many there are of it.
    int await(const std::string& event)
    {
        for (int i = 0; i < 200; ++i) {
            if (const int count = count_of(event); count > 0) return count;
            shell("sleep 0.1");
        }
        return 0;
    }
    int count_of(const std::string& event)
    {
        const Json answer = must(parse_json(belay({"storage", "monitor", "--json"}).out));
        int count = 0;
        for (const Json& alarm : answer.at("alarms")) count += alarm.at("event") == event ? 1 : 0;
        return count;
    }
    void start_daemon(const std::string& options)
    {
        end_daemon();
        shell("rm -f /run/belay/belayd.sock; setsid " + program("belayd") + " " + options +
              " </dev/null >/dev/null 2>/run/belayd.log & until test -S /run/belay/belayd.sock; do sleep "
              "0.05; done");
    }
};

TEST_CASE("a member fails, its spare takes its place: each thing is told once, whoever else listens")
{
    Watched bench;
    bench.shell(
        "printf '#!/bin/sh\\nprintf \"%%s|\" \"$@\" >>/run/told; echo >>/run/told\\n' "
        ">/usr/local/sbin/siren; chmod 755 /usr/local/sbin/siren");
    bench.shell(
        "printf '#!/bin/sh\\necho \"$@\" >>/run/mdadm-told\\n' >/usr/local/sbin/other; chmod 755 "
        "/usr/local/sbin/other");
    lab::Process other = must(bench.host().start(
        {"mdadm", "--monitor", "--delay=1", "--program=/usr/local/sbin/other", "/dev/md0"}));
    bench.start_daemon("--alarm-command siren");
    // Slow enough to be seen.
    bench.shell("echo 10000 >/proc/sys/dev/raid/speed_limit_max");
    CHECK(bench.count_of("degraded") == 0);

    bench.shell("mdadm --manage /dev/md0 --fail " + bench.disk("b"));
    CHECK(bench.await("member-failed") == 1);
    CHECK(bench.await("whole") == 1);
    CHECK(bench.await("rebuild-finished") == 1);
    CHECK(bench.count_of("degraded") == 1);
    CHECK(bench.count_of("rebuild-started") == 1);
    CHECK(bench.shell("cat /run/told").contains("member-failed|/dev/md0|/dev/ubdb|ubdb has failed in md0|"));
    CHECK(bench.shell("cat /run/belayd.log").contains("critical, degraded: md0 is degraded: 1 of 2"));
    bench.shell(
        "for i in $(seq 1 100); do grep -q Fail /run/mdadm-told && break; sleep 0.1; done; grep -q Fail "
        "/run/mdadm-told");

    // A new daemon finds nothing twice, and what happened while none ran.
    bench.end_daemon();
    bench.shell("mdadm --manage /dev/md0 --fail " + bench.disk("c"));
    bench.start_daemon("");
    for (int i = 0; i < 100 && bench.count_of("degraded") < 2; ++i) bench.shell("sleep 0.1");
    CHECK(bench.count_of("degraded") == 2);
    CHECK(bench.count_of("member-failed") == 2);
    CHECK(bench.count_of("whole") == 1);
    bench.start_daemon("");
    CHECK(bench.count_of("degraded") == 2);

    const host::Outcome shown = bench.belay({"storage", "monitor"});
    CHECK(shown.out.contains("md0  raid1, 1 of 2 members in sync"));
    CHECK(shown.out.contains("ubdc has failed in md0"));
}

TEST_CASE("a face follows the alarms, and a test alarm comes to it")
{
    Watched bench;
    bench.start_daemon("");
    lab::Process follower =
        must(bench.host().start({Workbench::program("belay"), "storage", "monitor", "--follow", "--json"}));
    bool came = false;  // at first nobody may listen yet
    for (int i = 0; i < 30 && !came; ++i) {
        const host::Outcome tested = bench.belay({"storage", "monitor", "--test"});
        CHECK(tested.exit_code == 0);
        CHECK(tested.out.contains("a test: nothing has happened"));
        came = follower.read_until("\"event\":\"test\"", 1s).has_value();
    }
    CHECK(came);
    bench.shell("mdadm --manage /dev/md0 --fail " + bench.disk("a"));
    CHECK(follower.read_until("\"event\":\"degraded\"", 30s).has_value());
    must(follower.signal(SIGINT));
    CHECK(must(follower.wait(30s)).exit_code == 130);
}

TEST_CASE("while nothing happens to the arrays the daemon sleeps")
{
    Watched bench;
    bench.start_daemon("");
    CHECK(bench.belay({"storage", "monitor"}).out.contains("2 of 2 members in sync"));
    const std::string switches =
        "cat /proc/$(pgrep -x belayd)/task/*/status | awk '/ctxt_switches/ {sum += $2} END {print sum}'";
    // Ten seconds after its start it looks at the storage once, and that takes what it takes.
    bench.shell("sleep 12");
    std::string before, after = bench.shell(switches);
    for (int i = 0; i < 3 && before != after; ++i) {
        before = after;
        bench.shell("sleep 10");
        after = bench.shell(switches);
    }
    CHECK(after == before);
    bench.shell("mdadm --manage /dev/md0 --fail " + bench.disk("a"));
    after = before;
    for (int i = 0; i < 100 && after == before; ++i) after = bench.shell("sleep 0.1; " + switches);
    CHECK(after != before);
    CHECK(bench.await("degraded") == 1);
}

TEST_CASE("an operation goes back when an array loses a member in its soak")
{
    Watched bench;
    const Words create = {"array.create", "--level", "1", "--devices", "LAB-d,LAB-e"};
    const std::string all = "grep -v bitmap: /proc/mdstat";
    Words wrong = {"add"};
    wrong.insert(wrong.end(), create.begin(), create.end());
    wrong.insert(wrong.end(), {"--gate", "array:md77"});
    bench.refused(wrong, 5, "no array md77 on this host", "belay storage show", all);

    const std::string id = bench.activate(create, {"--gate", "array:md0", "--gate-grace", "1s"});
    bench.shell("sleep 3");
    CHECK(bench.shown(id).at("state") == "activated");
    bench.shell("mdadm --manage /dev/md0 --remove " + bench.disk("c") + "; mdadm --manage /dev/md0 --fail " +
                bench.disk("b"));
    bench.follow(id);
    bench.went_back(id);
    CHECK(bench.shown(id).at("reason").get<std::string>().contains("the gate array:md0"));
    CHECK(bench.shell("grep -c ^md /proc/mdstat") == "1\n");
}

}  // namespace
}  // namespace belay
