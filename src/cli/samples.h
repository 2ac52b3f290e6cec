#pragma once
// What a daemon would send, for tests. Made by the engine's own types, so that field names cannot part.

#include "base/json.h"
#include "cli/console.h"
#include "cli/style.h"
#include "operation/engine.h"

namespace belay::cli::samples {

using namespace std::chrono_literals;

constexpr Milliseconds noon{1739016000000};  // 2025-02-08 12:00:00 UTC

inline Style plain(size_t width = 0)
{
    return {.colour = false, .unicode = true, .width = width, .clock = utc_time};
}

inline operation::Plan plan()
{
    using operation::Phase;
    operation::Plan plan{.procedure = "disk.replace", .title = "Replace sda by sdc in md0"};
    plan.checks = {{"array.in-sync", "the array is in sync", {"md.in_sync"}}};
    plan.steps = {{.name = "copy-table",
                   .title = "Copy the partition table",
                   .phase = Phase::add,
                   .member = "sdc",
                   .action = "partition.copy",
                   .commands = {"sfdisk --dump /dev/sda | sfdisk /dev/sdc"},
                   .undo_commands = {"wipefs --all /dev/sdc"}},
                  {.name = "join",
                   .title = "Add the new disk as a third leg",
                   .phase = Phase::activate,
                   .member = "sdc",
                   .action = "md.add",
                   .commands = {"mdadm /dev/md0 --add /dev/sdc1", "mdadm --grow /dev/md0 --raid-devices=3"},
                   .undo_commands = {"mdadm --grow /dev/md0 --raid-devices=2"},
                   .takes = 40min},
                  {.name = "let-go",
                   .title = "Take the old disk out of the array",
                   .phase = Phase::commit,
                   .member = "sda",
                   .action = "md.remove",
                   .commands = {"mdadm /dev/md0 --fail /dev/sda1 --remove /dev/sda1"},
                   .one_way = "the old disk no longer follows the array"}};
    plan.gates = {{.name = "tcp:db:5432", .title = "db:5432 answers", .question = {"tcp.answers"}}};
    plan.locks = {"md:0b5c", "disk:S1"};
    plan.left_by_abort = {"the event count of md0 is higher than before"};
    plan.topology = {"md0: sda1, sdb1, sdc1, all in sync"};
    return plan;
}

inline std::vector<operation::Checked> findings()
{
    using operation::Verdict;
    return {{"array.in-sync", "the array is in sync", {Verdict::pass, "md0 is clean, 2 of 2"}},
            {"disk.smart",
             "the new disk is healthy",
             {Verdict::warn, "3 reallocated sectors", "none", "smartctl -t long /dev/sdc"}}};
}

inline Json planned_answer(bool refused = false)
{
    Json answer = {{"plan", plan()}, {"findings", findings()}, {"refused", refused}};
    answer["operation"] = refused ? Json() : Json("7");
    if (refused) answer["findings"][1]["verdict"] = "fail";
    return answer;
}

/// Operation 7 as it stands after `moves`, each with the second in which it came.
inline operation::View view_at(operation::State state)
{
    using operation::State;
    operation::View view;
    operation::Operation& operation = view.operation;
    operation.id = std::string("7");
    operation.plan = plan();
    operation.asked_by = {"root", "uid 0, pid 812 by the local socket", "errors on sda"};
    operation.created = noon;
    operation.findings = findings();
    operation.steps.resize(3);
    operation.transitions = {{State::planned, noon, "root", "errors on sda"}};
    const auto move = [&](State to, Milliseconds after, const std::string& who,
                          const std::string& reason = {}) {
        operation.transitions.push_back({to, noon + after, who, reason});
        operation.state = to;
        operation.reason = reason;
    };
    const auto done = [&](size_t step, Milliseconds from, Milliseconds to) {
        operation.steps[step].status = operation::StepState::Status::done;
        operation.steps[step].started = noon + from;
        operation.steps[step].ended = noon + to;
    };
    const host::Moment now{noon + 60s, 1000s, "boot"};
    view.seen = now;
    if (state == State::planned) return view;
    move(State::adding, 1s, "root");
    if (state == State::adding) return view;
    done(0, 1s, 2500ms);
    move(State::added, 3s, "");
    if (state == State::added) return view;
    move(State::activating, 10s, "root");
    operation.timer = operation::start_timer(2h, host::Moment{noon + 10s, 950s, "boot"});
    if (state == State::activating) {
        operation.steps[1].status = operation::StepState::Status::intended;
        operation.steps[1].started = noon + 11s;
        view.current = 1;
        view.progress =
            operation::Progress{.done = 248ull << 30, .total = 476ull << 30, .per_second = 180ull << 20};
        return view;
    }
    done(1, 11s, 55s);
    move(State::activated, 56s, "");
    view.gates = {{"tcp:db:5432", "db:5432 answers", {operation::Verdict::pass, "connected in 2 ms"}, {}}};
    if (state == State::activated) return view;
    if (state == State::committed) {
        move(State::committing, 57s, "root");
        done(2, 57s, 58s);
        move(State::committed, 59s, "");
        return view;
    }
    move(State::aborting, 57s, "", "the gate db:5432 answers was broken for 30 s");
    operation.steps[1].status = operation::StepState::Status::undone;
    operation.steps[0].status = operation::StepState::Status::undone;
    move(State::aborted, 59s, "", "the gate db:5432 answers was broken for 30 s");
    operation.verified = true;
    return view;
}

inline Json view(operation::State state)
{
    return view_at(state);
}

inline Json procedures()
{
    const auto argument = [](const char* name, const char* meaning, const char* example, bool required) {
        return Json{{"name", name}, {"meaning", meaning}, {"example", example}, {"required", required}};
    };
    Json own = argument("manifest", "told by the controller", "name = ...", false);
    own["internal"] = true;
    return {{"procedures",
             Json::array(
                 {{{"name", "disk.replace"},
                   {"summary", "Replace one disk of a mirror"},
                   {"description", "Both disks serve until commit."},
                   {"source", "mdadm(8)"},
                   {"arguments", Json::array({argument("leaving", "the disk that goes", "/dev/sda", true),
                                              argument("joining", "the disk that comes", "/dev/sdc", true),
                                              argument("label", "a name for it", "new", false), own})}}})}};
}

inline Json storage()
{
    const auto filesystem = [](const char* id, const char* type, std::vector<std::string> children) {
        return Json{
            {"id", id}, {"kind", "filesystem"}, {"name", type}, {"type", type}, {"children", children}};
    };
    return {
        {"roots", {"disk:sda", "disk:sdb"}},
        {"nodes",
         Json::array(
             {{{"id", "disk:sda"},
               {"kind", "disk"},
               {"name", "sda"},
               {"size", 512ull << 30},
               {"model", "Samsung SSD 860"},
               {"serial", "S1"},
               {"table", "gpt"},
               {"rotational", false},
               {"children", {"partition:sda1", "partition:sda2"}}},
              {{"id", "partition:sda1"},
               {"kind", "partition"},
               {"name", "sda1"},
               {"size", 512ull << 20},
               {"type", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"},
               {"children", {"filesystem:sda1"}}},
              filesystem("filesystem:sda1", "vfat", {}),
              {{"id", "partition:sda2"}, {"kind", "partition"}, {"name", "sda2"}, {"children", {"array:x"}}},
              {{"id", "array:x"},
               {"kind", "array"},
               {"name", "md0"},
               {"level", "raid1"},
               {"wanted", 2},
               {"active", 1},
               {"state", "clean"},
               {"size", 476ull << 30},
               {"sync",
                {{"action", "recover"},
                 {"done", 119ull << 30},
                 {"total", 476ull << 30},
                 {"speed", 119ull << 20}}},
               {"children", {"filesystem:md0"}}},
              filesystem("filesystem:md0", "ext4", {"mount:/"}),
              {{"id", "mount:/"}, {"kind", "mount"}, {"path", "/"}},
              {{"id", "disk:sdb"}, {"kind", "disk"}, {"name", "sdb"}, {"children", {"array:x", "cache:1"}}},
              {{"id", "cache:1"}, {"kind", "bcache"}, {"name", "bcache0"}, {"size", 1ull << 30}}})}};
}

}  // namespace belay::cli::samples
