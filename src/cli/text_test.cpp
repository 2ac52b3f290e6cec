#include "cli/events.h"
#include "cli/live_text.h"
#include "cli/operation_text.h"
#include "cli/plan_text.h"
#include "cli/procedure_text.h"
#include "cli/samples.h"
#include "cli/storage_text.h"

#include <doctest/doctest.h>

namespace belay::cli {
namespace {

using operation::State;
using samples::plain;
using namespace std::chrono_literals;

std::string joined(const std::vector<std::string>& lines)
{
    return fmt::format("{}\n", fmt::join(lines, "\n"));
}

TEST_CASE("an array hangs under each of its disks and is told once")
{
    CHECK(storage_text(plain(), samples::storage()) ==
          "sda  512 GiB, Samsung SSD 860, serial S1, gpt, solid state\n"
          "├─ sda1  512 MiB, EFI system\n"
          "│  └─ vfat\n"
          "└─ sda2\n"
          "   └─ md0  raid1, 1 of 2 members, clean, 476 GiB, recover 25 % at 119 MiB/s, 51 min 12 s left\n"
          "      └─ ext4\n"
          "         └─ on /\n"
          "sdb\n"
          "├─ md0  see above\n"
          "└─ bcache0  bcache, 1 GiB\n");
}

TEST_CASE("on a narrow terminal details go on below, beside the tree")
{
    const std::string text = storage_text(plain(60), samples::storage());
    CHECK(text.find("   └─ md0  raid1, 1 of 2 members, clean, 476 GiB,\n"
                    "      │    recover 25 % at 119 MiB/s, 51 min 12 s left\n"
                    "      └─ ext4\n") != std::string::npos);
}

TEST_CASE("a C locale gets a tree of ASCII")
{
    Style style = plain();
    style.unicode = false;
    const std::string text = storage_text(style, samples::storage());
    CHECK(text.find("|- sda1  512 MiB, EFI system\n|  `- vfat\n") != std::string::npos);
    for (const char c : text) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("a graph that makes little sense is shown as far as it goes")
{
    CHECK(storage_text(plain(), Json::object()) == "no disks were found\n");
    const Json odd = {{"roots", {"a", 7}},
                      {"nodes", Json::array({{{"id", "a"}, {"children", {"b", "a", 3}}}, "nonsense"})}};
    CHECK(storage_text(plain(), odd) == "a\n├─ b (not described)\n├─ a  see above\n");
}

TEST_CASE("a plan is all that a person needs to decide")
{
    CHECK(plan_text(plain(60), samples::planned_answer(), false) == R"(Replace sda by sdc in md0

Checks
  ✓ the array is in sync: md0 is clean, 2 of 2
  ! the new disk is healthy: 3 reallocated sectors
      wanted: none
      to mend it: smartctl -t long /dev/sdc

add: prepare beside the old; the service and its data are
  not touched
   1  Copy the partition table [sdc]
        $ sfdisk --dump /dev/sda | sfdisk /dev/sdc
        undo: wipefs --all /dev/sdc

activate: switch to the new, under the abort timer
   2  Add the new disk as a third leg [sdc] (about 40 min)
        $ mdadm /dev/md0 --add /dev/sdc1
        $ mdadm --grow /dev/md0 --raid-devices=3
        undo: mdadm --grow /dev/md0 --raid-devices=2

commit: let the old go; there is no way back after it
   3  Take the old disk out of the array [sda]
        $ mdadm /dev/md0 --fail /dev/sda1 --remove /dev/sda1
        ONE WAY: the old disk no longer follows the array

Gates, which must hold through the soak
  db:5432 answers; looked at every 10 s, aborts when broken
    for 30 s

Way back
  Until commit, belay abort goes back.
  The timer aborts by itself 2 h after activate, unless it
    is committed.

What abort cannot put back
  the event count of md0 is higher than before

Afterwards
  md0: sda1, sdb1, sdc1, all in sync

Locked meanwhile
  md:0b5c
  disk:S1

Kept as operation 7; nothing was touched.
  next: belay add 7
)");
}

TEST_CASE("a refused plan says which check, and a one-shot that there is no way back")
{
    const std::string text = plan_text(plain(), samples::planned_answer(true), true);
    CHECK(text.find("✗ the new disk is healthy: 3 reallocated sectors\n") != std::string::npos);
    CHECK(text.find("there is NO WAY BACK after it") != std::string::npos);
    CHECK(text.find("Refused: a check failed. Nothing was touched") != std::string::npos);
    CHECK(text.find("next: belay add") == std::string::npos);
}

TEST_CASE("an operation in full has everything that a person looks for")
{
    CHECK(operation_text(plain(80), samples::view(State::activated)) ==
          R"(Operation 7: Replace sda by sdc in md0
  type            disk.replace, step by step
  state           activated
  last operation  Add the new disk as a third leg (44 s)
  timer           1 h 59 min left of 2 h, then it aborts by itself
  members         sdc, sda
  locks           md:0b5c, disk:S1
  asked by        root (uid 0, pid 812 by the local socket), 2025-02-08 12:00:00
  why             errors on sda

Checks that did not pass
  ! the new disk is healthy: 3 reallocated sectors
      wanted: none
      to mend it: smartctl -t long /dev/sdc

Steps so far
  2025-02-08 12:00:01  add       1 s   Copy the partition table [sdc]
  2025-02-08 12:00:11  activate  44 s  Add the new disk as a third leg [sdc]

State transitions
  2025-02-08 12:00:00  planned     by root: errors on sda
  2025-02-08 12:00:01  adding      by root
  2025-02-08 12:00:03  added
  2025-02-08 12:00:10  activating  by root
  2025-02-08 12:00:56  activated

Gates
  ✓ db:5432 answers: connected in 2 ms

Ways on
  belay commit 7  let the old go; there is no way back after it
  belay abort 7   go back to what was before
)");
}

TEST_CASE(
    "what a site adds to an operation is said: from when its gate counts, what still goes back, whose part "
    "it is")
{
    Json answer = samples::planned_answer();
    answer["plan"]["gates"][0]["from"] = "add";
    answer["plan"]["steps"][2]["one_way"] = "";
    answer["plan"]["steps"][2]["failure_aborts"] = true;
    const std::string plan = plan_text(plain(), answer, false);
    CHECK(plan.find("db:5432 answers; looked at every 10 s from add on, aborts when broken for 30 s") !=
          std::string::npos);
    CHECK(plan.find("--remove /dev/sda1\n        if it fails for good, abort follows\n") !=
          std::string::npos);

    operation::View view = samples::view_at(State::activating);
    view.operation.part = operation::Part{.key = "k", .site = "branch-3", .operation = "S4"};
    view.waits_for = "web2 has not answered yet";
    CHECK(operation_text(plain(), view).find("\n  part of         operation S4 of the site branch-3\n") !=
          std::string::npos);
    view.operation.promised = true;
    CHECK(
        operation_text(plain(), view).find("operation S4 of the site branch-3, which alone ends it now\n") !=
        std::string::npos);
    CHECK(joined(live_lines(plain(79), view, 0s, 23)).find("\n      web2 has not answered yet\n") !=
          std::string::npos);
}

TEST_CASE("a step that goes back by a restore says so in the plan, while it is restored and afterwards")
{
    Json answer = samples::planned_answer();
    CHECK_FALSE(plan_text(plain(), answer, false).contains("way back: a restore"));
    answer["plan"]["steps"][1]["restore"] = {{"from", "save"}};
    const std::string plan = plan_text(plain(100), answer, false);
    CHECK_MESSAGE(
        plan.contains("--raid-devices=3\n        way back: a restore of what the step save has saved, "
                      "proven by fingerprint\n        undo: mdadm"),
        plan);

    operation::View view = samples::view_at(State::aborting);
    operation::StepState& step = view.operation.steps[1];
    step.restoring = true;
    step.status = operation::StepState::Status::done;
    CHECK_MESSAGE(operation_text(plain(), view).contains("activate  restoring  Add the new disk"),
                  operation_text(plain(), view));
    step.status = operation::StepState::Status::undone;
    step.detail = "restored from what save had saved; 1 line of its fingerprint is as before";
    const std::string after = operation_text(plain(140), view);
    CHECK_MESSAGE(
        after.contains("activate  undone  Add the new disk as a third leg [sdc]: restored from what "
                       "save had saved; 1 line"),
        after);
}

TEST_CASE("a held operation says what failed, what the tool said and what leads on")
{
    operation::View held = samples::view_at(State::activating);
    held.operation.state = State::held;
    held.operation.held_in = State::activating;
    held.operation.reason = "join failed past a step that cannot be undone";
    held.operation.steps[1].error = Error{.kind = ErrorKind::failed,
                                          .what = "mdadm refused sdc1",
                                          .next = "mdadm --examine /dev/sdc1",
                                          .output = "device busy"};
    CHECK(ending_text(plain(), held) ==
          R"(operation 7 is held while activating: join failed past a step that cannot be undone

Failures
  Add the new disk as a third leg: mdadm refused sdc1
    it said: device busy
    next: mdadm --examine /dev/sdc1

Ways on
  belay activate 7  try the step again
  belay abort 7     try to go back again
  belay clear 7     give up: leave everything as it is, say what is left behind, free the locks
)");
}

TEST_CASE("after an abort it says that the world is as before, or what is not")
{
    CHECK(ending_text(plain(), samples::view(State::aborted)).find("The world is as it was before") !=
          std::string::npos);
    operation::View other = samples::view_at(State::aborted);
    other.operation.differences = {"md0.events: was 12, is 40"};
    const std::string text = ending_text(plain(), other);
    CHECK(text.find("Not as it was before\n  md0.events: was 12, is 40\n") != std::string::npos);
    CHECK(text.find("The world is as it was") == std::string::npos);
}

TEST_CASE("the timer counts down between two views, and stands when it is stopped")
{
    const Json running = samples::view(State::activated);
    CHECK(timer_text(running, 0s) == "1 h 59 min left of 2 h, then it aborts by itself");
    CHECK(timer_text(running, 1h + 30min) == "29 min 10 s left of 2 h, then it aborts by itself");
    CHECK(timer_text(running, 3h) == "0 s left of 2 h, then it aborts by itself");
    operation::View stopped = samples::view_at(State::activated);
    stopped.operation.timer->stopped = true;
    CHECK(timer_text(stopped, 1h) == "stopped with 2 h left; nothing aborts by itself");
    CHECK(timer_text(samples::view(State::added), 0s) == "not started; 2 h from activate on");
    CHECK(timer_text(samples::view(State::committed), 0s) == "ended");
}

TEST_CASE("operations are listed a line each")
{
    CHECK(operations_text(plain(), Json::array({samples::view(State::activated)}), "none") ==
          "7  2025-02-08 12:00:00  activated  disk.replace  Replace sda by sdc in md0\n");
    CHECK(operations_text(plain(), Json::array(), "none") == "none\n");
}

TEST_CASE("a procedure explains itself and gives a command to begin with")
{
    CHECK(procedure_text(plain(), samples::procedures()["procedures"][0]) ==
          R"(disk.replace: Replace one disk of a mirror

Both disks serve until commit.

Arguments
  --leaving  /dev/sda  the disk that goes
  --joining  /dev/sdc  the disk that comes
  --label    new       a name for it (may be left out)

Source: mdadm(8)

  next: belay plan disk.replace --leaving /dev/sda --joining /dev/sdc
)");
}

TEST_CASE("the audit says who asked for what, from where and why")
{
    const Json entries = Json::array({{{"at_ms", samples::noon.count()},
                                       {"verb", "commit"},
                                       {"operation", "7"},
                                       {"who", "root"},
                                       {"origin", "uid 0, pid 812"},
                                       {"why", "three days without errors"},
                                       {"answer", "ok"}}});
    CHECK(audit_text(plain(), entries) ==
          "2025-02-08 12:00:00  root  commit  7  uid 0, pid 812; three days without errors; ok\n");
}

TEST_CASE("a running operation at 80 columns")
{
    CHECK(joined(live_lines(plain(79), samples::view(State::activating), 5s, 23)) ==
          "Operation 7: Replace sda by sdc in md0  activating\n"
          "  ✓ add       Copy the partition table [sdc]  1 s\n"
          "  ▸ activate  Add the new disk as a third leg [sdc]\n"
          "      █████████░░░░░░░░░  52 %, 21 min 32 s left, 180 MiB/s, 248 GiB of 476 GiB\n"
          "  · commit    Take the old disk out of the array [sda]\n"
          "timer: 1 h 59 min left of 2 h, then it aborts by itself\n");
}

TEST_CASE("no line of a running operation is wider than the terminal, nor are there more than its rows")
{
    for (const State state :
         {State::planned, State::adding, State::activating, State::activated, State::aborted}) {
        for (size_t width = 1; width < 100; ++width) {
            for (size_t height = 3; height < 12; ++height) {
                const auto lines = live_lines(plain(width), samples::view(state), 5s, height);
                REQUIRE(lines.size() <= height);
                // Below 20 columns the marks alone do not fit; nobody works there.
                if (width < 20) continue;
                for (const std::string& line : lines) REQUIRE_MESSAGE(columns_of(line) <= width, line);
            }
        }
    }
}

TEST_CASE("a low terminal keeps the current step in sight")
{
    CHECK(joined(live_lines(plain(60), samples::view(State::activating), 5s, 4)) ==
          "Operation 7: Replace sda by sdc in md0  activating\n"
          "  ▸ activate  Add the new disk as a third leg [sdc]\n"
          "      █████████░░░░░░░░░░  52 %, 21 min 32 s left, 180 MiB/s\n"
          "timer: 1 h 59 min left of 2 h, then it aborts by itself\n");
}

TEST_CASE("a pipe gets a line for each thing that happened, once and in order")
{
    EventLog log(plain(), samples::view(State::planned));
    std::string text;
    for (const State state : {State::planned, State::adding, State::added, State::activating,
                              State::activating, State::activated, State::committed}) {
        for (const Event& event : log.take(samples::view(state), 0s)) text += event.text + '\n';
    }
    CHECK(text ==
          "operation 7: adding\n"
          "operation 7: Copy the partition table: begun\n"
          "operation 7: Copy the partition table: done in 1 s\n"
          "operation 7: added\n"
          "operation 7: activating\n"
          "operation 7: Add the new disk as a third leg: begun\n"
          "operation 7: Add the new disk as a third leg: 52 %, 21 min 37 s left, 180 MiB/s, 248 GiB of 476 "
          "GiB\n"
          "operation 7: Add the new disk as a third leg: done in 44 s\n"
          "operation 7: activated\n"
          "operation 7: gate db:5432 answers: pass, connected in 2 ms\n"
          "operation 7: committing\n"
          "operation 7: Take the old disk out of the array: begun\n"
          "operation 7: Take the old disk out of the array: done in 1 s\n"
          "operation 7: committed\n");
}

TEST_CASE("progress is told every ten seconds or ten percent, and not in between")
{
    EventLog log(plain(), samples::view(State::activating));
    operation::View view = samples::view_at(State::activating);
    const auto told = [&](uint64_t percent, Milliseconds now) {
        view.progress = operation::Progress{.done = percent, .total = 100, .unit = "blocks"};
        return log.take(view, now).size() == 1;
    };
    CHECK(told(1, 0s));
    CHECK_FALSE(told(2, 1s));
    CHECK_FALSE(told(9, 9s));
    CHECK(told(11, 9s));  // ten percent
    CHECK_FALSE(told(12, 18s));
    CHECK(told(12, 19s));  // ten seconds
}

TEST_CASE("one of one is told in few words, and bytes in units of their own")
{
    const auto told = [](uint64_t done, uint64_t total, const char* unit) {
        return progress_text(plain(), {{"done", done}, {"total", total}, {"unit", unit}}, 0s);
    };
    CHECK(told(0, 1, "members") == "0 %, 0 of 1 member");
    CHECK(told(2, 3, "hosts") == "66 %, 2 of 3 hosts");
    CHECK(told(1 << 10, 1 << 11, "bytes") == "50 %, 1 KiB of 2 KiB");
}

TEST_CASE("an event is one JSON object with its operation")
{
    EventLog log(plain(), samples::view(State::planned));
    const auto events = log.take(samples::view(State::adding), 0s);
    REQUIRE(events.size() == 1);
    CHECK(events[0].json == Json{{"event", "state"},
                                 {"operation", "7"},
                                 {"state", "adding"},
                                 {"reason", ""},
                                 {"at_ms", samples::noon.count() + 1000}});
}

}  // namespace
}  // namespace belay::cli
