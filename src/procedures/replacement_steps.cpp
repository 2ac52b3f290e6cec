#include "procedures/boot_steps.h"
#include "procedures/replacement.h"
#include "storage/disk.h"
#include "storage/fingerprint.h"
#include "storage/partition.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;
using operation::Question;
using operation::Step;

/// The step that makes the joining disk a member.
Step& append_member(PlanBuilder& plan, const Replacement& all, const Move& move)
{
    Array array = move.array;
    array.legs = move.legs_before;
    const bool whole_disk = !all.table;
    switch (move.way) {
        case Move::Way::leg:
            return plan.activate("third-leg" + move.suffix,
                                 fmt::format("join it to {} as one more leg", move.on_array()),
                                 whole_disk ? md::add_leg(array, all.joining, move.legs_joined())
                                            : md::add_leg(array, move.joining, move.legs_joined()));
        case Move::Way::gap:
            return plan.activate("fill" + move.suffix,
                                 fmt::format("join it to {} in the place that is free", move.on_array()),
                                 whole_disk ? md::add_leg(array, all.joining, move.legs_joined())
                                            : md::add_leg(array, move.joining, move.legs_joined()));
        case Move::Way::place:
            break;
    }
    return plan.activate(
        "replace" + move.suffix,
        fmt::format("copy /dev/{} of {} to it, both serving", move.leaving.device, move.on_array()),
        whole_disk ? md::replace_member(array, move.leaving, all.joining)
                   : md::replace_member(array, move.leaving, move.joining));
}

/// A disk that has failed may go at any moment; that must not keep the new one from coming.
std::vector<Question> same_disks(const Replacement& all)
{
    if (!all.leaving_serves()) return {disk::is(all.joining)};
    return {disk::is(*all.leaving), disk::is(all.joining)};
}

std::string one_way_of(Move::Way way)
{
    switch (way) {
        case Move::Way::leg:
            return "from here on the leaving disk misses what is written, and no boot takes it for a half of "
                   "the "
                   "mirror";
        case Move::Way::place:
            return "from here on the leaving disk can no longer take its place back";
        case Move::Way::gap:
            return "from here on nothing tells that the failed disk was a member";
    }
    return {};
}

std::string topology_of(const Replacement& all, const Move& move)
{
    switch (move.way) {
        case Move::Way::leg:
            return fmt::format("{}: {} legs in sync; {} joined, {} still serves", move.on_array(),
                               move.legs_joined(), shown(all.joining), shown(*all.leaving));
        case Move::Way::place:
            return fmt::format("{}: {} members in sync; {} serves in the place of {}, which is the way back",
                               move.on_array(), move.legs_joined(), shown(all.joining), shown(*all.leaving));
        case Move::Way::gap:
            return fmt::format("{}: {} members in sync; {} serves in the place that was free",
                               move.on_array(), move.legs_joined(), shown(all.joining));
    }
    return {};
}

}  // namespace

bool Replacement::leaving_serves() const
{
    return leaving &&
           std::ranges::none_of(moves, [](const Move& move) { return move.way == Move::Way::gap; });
}

void append_checks(PlanBuilder& plan, const Replacement& all)
{
    const char* named = "the leaving disk is the one that was named";
    if (all.leaving_serves())
        plan.check("leaving.identity", named, disk::is(*all.leaving));
    else if (all.leaving)  // it may be pulled before activate
        plan.check_once("leaving.identity", named, disk::is(*all.leaving));
    plan.check("joining.identity", "the joining disk is the one that was named", disk::is(all.joining));
    plan.check_once("joining.unused", "nothing uses the joining disk", disk::unused(all.joining));
    plan.check("joining.sectors", "the joining disk has the logical sectors that are wanted",
               disk::sectors_of(all.joining, all.sector));
    plan.check("joining.size", "the joining disk is large enough",
               disk::at_least(all.joining, all.room, "what stands on the leaving disk"));
    // An array that takes part in several replacements is asked once.
    const auto check = [&](const char* code, const std::string& title, const Question& question) {
        const auto same = [&](const operation::Check& one) { return one.code == code && one.title == title; };
        if (std::ranges::none_of(plan.plan().checks, same)) plan.check(code, title, question);
    };
    for (const Move& move : all.moves) {
        if (move.way == Move::Way::gap) {
            check("array.lacks-one", fmt::format("{} lacks this member alone", move.on_array()),
                  md::lacks_one(move.array, move.leaving.path));
            continue;
        }
        check("array.in-sync", fmt::format("{} is in sync", move.on_array()),
              md::in_sync(move.array, move.array.legs));
        if (move.way == Move::Way::leg)
            check("array.no-spare", fmt::format("{} has no spare", move.on_array()),
                  md::no_spare(move.array));
    }
}

void append_table(PlanBuilder& plan, const Replacement& all)
{
    if (!all.table) return;
    Step& copy = plan.add("copy-table" + all.suffix,
                          fmt::format("copy the partition table to {}, with new ids", shown(all.joining)),
                          partition::write_table(all.joining, *all.table));
    copy.member = all.joining.serial;
    copy.identity = same_disks(all);
    for (const Move& move : all.moves) copy.expects.push_back(disk::there(move.joining));
}

void append_members(PlanBuilder& plan, const Replacement& all)
{
    for (const Move& move : all.moves) {
        Step& join = append_member(plan, all, move);
        join.member = all.joining.serial;
        join.identity = same_disks(all);
        Step& wait = plan.activate("in-sync" + move.suffix,
                                   fmt::format("wait until {} is copied to it", move.on_array()),
                                   md::await_sync(move.array, move.joining));
        wait.member = all.joining.serial;
        wait.identity = {disk::is(all.joining)};
        wait.expects = {md::in_sync(move.array, move.legs_joined())};
        wait.takes = md::copy_time(move.array);
        wait.stalled_after = std::chrono::minutes(30);
    }
}

Result<void> append_boot(PlanBuilder& plan, host::Host& machine, const Replacement& all)
{
    if (!all.boot) return {};
    const std::string random = TRY(machine.random(4));
    const BootAim aim = all.leaving ? BootAim::instead : BootAim::for_gone;
    return append_boot_steps(plan, machine, *all.boot, all.joining, *all.table, aim, random);
}

void append_letting_go(PlanBuilder& plan, const Replacement& all)
{
    for (const Move& move : all.moves) {
        if (move.leaving.path.empty()) continue;
        Step& drop = plan.commit("let-go" + move.suffix,
                                 fmt::format("let {} go from {}, and erase its md superblock",
                                             shown(*all.leaving), move.on_array()),
                                 md::drop_leg(move.array, move.leaving.path, move.legs_left));
        drop.member = all.leaving->serial;
        if (move.way != Move::Way::gap) drop.identity.push_back(disk::is(*all.leaving));
        drop.identity.push_back(disk::is(all.joining));
        drop.identity.push_back(md::enough_without(move.array, move.leaving.path, move.legs_left));
        drop.expects = {md::in_sync(move.array, move.legs_left), md::has_leg(move.array, move.joining)};
        drop.one_way = one_way_of(move.way);
    }
}

void append_frame(PlanBuilder& builder, const std::vector<Replacement>& replacements)
{
    operation::Plan& plan = builder.plan();
    const auto lock = [&](const std::string& resource) {
        if (std::ranges::find(plan.locks, resource) == plan.locks.end()) plan.locks.push_back(resource);
    };
    std::set<std::string> arrays, disks;
    for (const Replacement& all : replacements) {
        for (const Move& move : all.moves) {
            lock("md:" + move.array.uuid);
            arrays.insert(move.array.uuid);
            std::erase_if(plan.gates, [&](const operation::Gate& gate) {
                return gate.question.arguments.value("array", "") == move.array.uuid;
            });
            plan.gates.push_back({"in-sync" + move.suffix,
                                  fmt::format("{} keeps all its members in sync", move.on_array()),
                                  md::in_sync(move.array, move.legs_joined())});
            plan.topology.push_back(topology_of(all, move));
        }
        if (all.leaving) lock("disk:" + all.leaving->by_id);
        lock("disk:" + all.joining.by_id);
        disks.insert(all.joining.by_id);
        // Nothing is written to a disk that has failed before commit, and it may not be readable.
        if (all.leaving_serves()) disks.insert(all.leaving->by_id);
        if (all.boot && all.boot->esp) {
            lock(fmt::format("file:{}", fstab::path));
            plan.fingerprints.push_back(fstab::fingerprint());
        }
        plan.left_by_abort.push_back(fmt::format(
            "the blocks of {} behind its table: they were blank to us, and hold copies of the array's blocks",
            shown(all.joining)));
    }
    plan.fingerprints.push_back(fingerprint_of({arrays.begin(), arrays.end()}, {disks.begin(), disks.end()}));
}

}  // namespace belay::procedures
