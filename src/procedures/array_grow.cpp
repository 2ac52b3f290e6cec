#include "procedures/array_grow.h"

#include "procedures/replacement.h"
#include "storage/fingerprint.h"
#include "storage/growable.h"
#include "storage/md_settings.h"
#include "storage/md_size.h"
#include "storage/partition.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;
using operation::Step;
using Arguments = std::map<std::string, std::string>;

/// "A,B" as {"A", "B"}.
std::vector<std::string> names_in(const Arguments& arguments, const char* name)
{
    std::vector<std::string> names;
    const auto found = arguments.find(name);
    if (found == arguments.end()) return names;
    std::string_view rest = found->second;
    while (!rest.empty()) {
        const size_t comma = std::min(rest.find(','), rest.size());
        if (comma > 0) names.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return names;
}

/// The partition of the joining disk that becomes a member of `array` takes all that is behind it.
Result<void> enlarge(Replacement& replacement, const Array& array)
{
    const auto move = std::ranges::find_if(replacement.moves,
                                           [&](const Move& one) { return one.array.uuid == array.uuid; });
    if (move == replacement.moves.end())
        return fail(ErrorKind::refused,
                    fmt::format("{} carries no member of /dev/{}", shown(*replacement.leaving), array.name),
                    "belay storage show");
    if (!replacement.table) return {};
    const auto entry = std::ranges::find(replacement.table->entries, move->joining, &partition::path_of);
    replacement.table =
        TRY(partition::with_last_enlarged(*replacement.table, entry->number, replacement.joining.size));
    return {};
}

/// Several disks change one after the other; all serve until commit.
Result<std::vector<Replacement>> find_replacements(host::Host& machine, const Inventory& host,
                                                   const Array& array, const Arguments& arguments)
{
    const std::vector<std::string> leaving = names_in(arguments, "leaving");
    const std::vector<std::string> joining = names_in(arguments, "joining");
    if (leaving.size() != joining.size())
        return fail(ErrorKind::usage,
                    fmt::format("{} disks leave and {} join", leaving.size(), joining.size()),
                    "name as many with --joining as with --leaving, in the same order");
    std::vector<Replacement> all;
    std::set<std::string> seen;
    for (size_t i = 0; i < leaving.size(); ++i) {
        Replacement one = TRY(find_replacement(machine, host, {leaving[i], joining[i], ""}));
        for (const std::string& name : {one.leaving->name, one.joining.name}) {
            if (!seen.insert(name).second)
                return fail(ErrorKind::usage, fmt::format("/dev/{} is named twice", name), "name it once");
        }
        if (!one.leaving_serves())
            return fail(ErrorKind::refused, fmt::format("{} has failed", shown(*one.leaving)),
                        fmt::format("belay plan disk.replace --leaving {} --joining {}", one.leaving->serial,
                                    one.joining.serial));
        const auto starts = [](const Replacement& other) { return other.boot.has_value(); };
        if (one.boot && std::ranges::any_of(all, starts))
            return fail(
                ErrorKind::refused,
                fmt::format("the host starts from more than one of the disks that leave, and {} is the "
                            "second",
                            shown(*one.leaving)),
                fmt::format("belay plan disk.replace --leaving {} --joining {}", one.leaving->serial,
                            one.joining.serial));
        TRY(enlarge(one, array));
        all.push_back(std::move(one));
    }
    return all;
}

/// Mirrors have one leg more with each disk that joins, and one less with each that is let go.
void number_legs(std::vector<Replacement>& all)
{
    std::map<std::string, uint64_t> joined, left;
    for (size_t i = 0; i < all.size(); ++i) {
        all[i].suffix = i == 0 ? "" : fmt::format("-{}", i + 1);
        for (Move& move : all[i].moves) {
            move.suffix += all[i].suffix;
            if (move.way != Move::Way::leg) continue;
            uint64_t& legs = joined.try_emplace(move.array.uuid, move.array.legs).first->second;
            move.legs_before = legs++;
        }
    }
    for (Replacement& one : all) {
        for (Move& move : one.moves) {
            if (move.way != Move::Way::leg) continue;
            uint64_t& legs = left.try_emplace(move.array.uuid, joined.at(move.array.uuid)).first->second;
            move.legs_left = --legs;
        }
    }
}

/// The size step, the wait for what md then copies, and what stands on the array.
Result<void> append_growth(PlanBuilder& plan, host::Host& machine, const Inventory& host, const Array& array,
                           const std::string& member)
{
    // One in a file, as of old, is the only kind that md cannot enlarge with the array.
    const std::string bitmap = TRY(md::read_bitmap(machine, array));
    const bool in_file = bitmap.starts_with('/');
    if (in_file)
        plan.commit("bitmap-off", fmt::format("take the bitmap of /dev/{} away while it grows", array.name),
                    md::set_bitmap(array, "none", bitmap));
    Step& size =
        plan.commit("grow", fmt::format("use all that the members of /dev/{} have room for", array.name),
                    md::grow_size(array));
    size.one_way = "the room is used at once by what stands on the array";
    size.expects = {md::larger_than(array)};
    Step& wait = plan.commit("in-sync-grown", fmt::format("wait until /dev/{} is in sync", array.name),
                             md::await_sync(array, member));
    wait.stalled_after = std::chrono::minutes(30);
    wait.expects = {md::in_sync(array, array.legs)};
    if (in_file)
        plan.commit("bitmap-on", fmt::format("keep the bitmap of /dev/{} in its file again", array.name),
                    md::set_bitmap(array, bitmap, "none"));

    const std::vector<const Mount*> mounts = host.mounts_of(array.name);
    const auto writable =
        std::ranges::find_if(mounts, [](const Mount* mount) { return !mount->is_read_only(); });
    const growable::Tenant tenant{array.path, array.content.type,
                                  mounts.empty()             ? ""
                                  : writable != mounts.end() ? (*writable)->path
                                                             : mounts.front()->path};
    if (!growable::can_grow(array.content)) {
        if (!tenant.type.empty())
            plan.plan().topology.push_back(
                fmt::format("{} on /dev/{} keeps its size: Belay cannot grow it", tenant.type, array.name));
        return {};
    }
    const Bytes before = TRY(growable::size_of(machine, tenant));
    plan.check("content.sound", fmt::format("the {} on /dev/{} is sound", tenant.type, array.name),
               growable::is_sound(tenant));
    Step& grow =
        plan.commit("grow-" + tenant.type, fmt::format("grow the {} on /dev/{}", tenant.type, array.name),
                    growable::grow(tenant, before));
    grow.one_way = "a filesystem in use does not become smaller again";
    return {};
}

Result<operation::Plan> make_growth(host::Host& machine, const Arguments& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    Array array = TRY(host.array(arguments.at("array")));
    // The inventory has it from udev, who may lag behind; what is overlooked here would not grow.
    array.content = TRY(read_content(machine, array.path));
    if (array.members.empty())
        return fail(ErrorKind::refused, fmt::format("/dev/{} has no members", array.name),
                    "belay storage show");
    std::vector<Replacement> all = TRY(find_replacements(machine, host, array, arguments));
    number_legs(all);

    PlanBuilder plan("array.grow", fmt::format("Grow /dev/{} and what stands on it", array.name),
                     {{"array", array.path}});
    if (all.empty()) {
        plan.check("array.in-sync", fmt::format("/dev/{} is in sync", array.name),
                   md::in_sync(array, array.legs));
        plan.check("array.room", fmt::format("the members of /dev/{} have more room", array.name),
                   md::has_room(array));
        plan.plan().locks = {"md:" + array.uuid};
        plan.plan().fingerprints = {fingerprint_of({array.uuid}, {})};
        plan.plan().topology = {fmt::format("/dev/{}: as it is; it grows in commit", array.name)};
    }
    for (const Replacement& one : all) append_checks(plan, one);
    for (const Replacement& one : all) append_table(plan, one);
    for (const Replacement& one : all) append_members(plan, one);
    for (const Replacement& one : all) append_letting_go(plan, one);
    if (!all.empty()) append_frame(plan, all);
    std::string member = "/dev/" + array.members.front().device;
    for (const Replacement& one : all) {
        for (const Move& move : one.moves)
            if (move.array.uuid == array.uuid) member = move.joining;
    }
    for (const Replacement& one : all) TRY(append_boot(plan, machine, one));
    TRY(append_growth(plan, machine, host, array, member));
    return plan.build();
}

}  // namespace

Procedure array_grow()
{
    return {
        .name = "array.grow",
        .summary = "grow an array and what stands on it onto larger disks",
        .description =
            "Larger disks join the array beside the smaller ones, which serve on until commit and are the "
            "way "
            "back. Commit lets the smaller ones go, lets the array use the room of its members, and grows "
            "what stands on it: ext2 to ext4, XFS or an LVM physical volume. Without disks, an array whose "
            "members have more room already is grown. In a mirror all disks serve side by side; at other "
            "levels each new disk takes the place of an old one. The partition that grows must be the last "
            "of "
            "its disk.",
        .source = "mdadm(8), --grow --size; resize2fs(8), xfs_growfs(8), pvresize(8)",
        .arguments = {{"array", "the array: name, UUID or by-id name", "md0", true},
                      {"leaving", "the smaller disks, with commas", "LAB0001,LAB0002", false},
                      {"joining", "the larger, blank disks, in the same order", "LAB0003,LAB0004", false}},
        .make = make_growth};
}

}  // namespace belay::procedures
