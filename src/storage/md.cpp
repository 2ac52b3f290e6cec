#include "storage/md.h"

#include "storage/edges.h"
#include "storage/md_member.h"
#include "storage/probe.h"

namespace belay::storage::md {
namespace {

using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Question;
using operation::Verdict;

class AddLeg final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        const Member* member = standing.member();
        const bool grown = standing.array.legs == leg.legs;
        using Found = Inspection::Found;
        const bool begun = grown && leg.legs != leg.legs_before;
        if (member == nullptr) return Inspection{begun ? Found::partial : Found::absent, "not a member"};
        const std::string detail =
            fmt::format("{}, {} of {} legs", member->state, standing.array.legs, leg.legs);
        // A spare of an array that has grown is taken up by md at once; that copying has begun is this step's
        // goal.
        const bool serves = grown && !member->faulty();
        return Inspection{serves ? Found::done : Found::partial, detail};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        return remember_edges(host, Leg(arguments));
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        if (standing.member() == nullptr) TRY(run_checked(host, add_command(leg.array, leg.member)));
        if (standing.array.legs != leg.legs) TRY(run_checked(host, legs_command(leg.array, leg.legs)));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        if (standing.member() != nullptr) return fmt::format("{} in the array", leg.member);
        if (standing.array.legs != leg.legs_before)
            return fmt::format("an array of {} legs", standing.array.legs);
        if (!standing.device) return std::string();
        if (TRY(carries_superblock(host, leg.array, leg.member)))
            return fmt::format("an md superblock on {}", leg.member);
        if (TRY(edges_differ(host, leg, remembered)))
            return fmt::format("traces of md at the ends of {}", leg.member);
        return std::string();
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        TRY(take_out(host, leg.array, leg.member, standing.member()));
        TRY(forget(host, leg.array, leg.member, standing.device));
        if (standing.array.legs != leg.legs_before)
            TRY(run_checked(host, legs_command(leg.array, leg.legs_before)));
        return standing.device ? put_edges_back(host, leg, remembered) : Result<void>();
    }
};

class AwaitSync final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        const Member* member = standing.member();
        using Found = Inspection::Found;
        if (member == nullptr) return Inspection{Found::absent, "not a member"};
        if (member->faulty()) return Inspection{Found::absent, "the member failed"};
        if (member->in_sync() && !is_copying(standing.array.sync)) return Inspection{Found::done, "in sync"};
        const bool wanted = standing.array.degraded > 0 || standing.array.sync.action != "idle" ||
                            member->state != "spare" || member->slot;
        if (!wanted) return Inspection{Found::absent, "a spare of an array that lacks no member"};
        // md may take a moment to begin; the step's patience decides when that is too long.
        Inspection running{Found::running, standing.array.sync.action, progress_of(standing.array.sync)};
        if (!running.progress)
            running.progress = operation::Progress{0, standing.array.member_size.count, 0, "bytes"};
        return running;
    }

    Result<void> apply(Host&, const Json&) const override { return {}; }
    Result<std::string> remains(Host&, const Json&, const Json&) const override { return std::string(); }
    Result<void> revert(Host&, const Json&, const Json&) const override { return {}; }
};

class DropLeg final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        const Member* member = standing.member();
        using Found = Inspection::Found;
        if (member == nullptr) {
            const bool marked = standing.device && TRY(carries_superblock(host, leg.array, leg.member));
            const bool done = !marked && standing.array.legs == leg.legs;
            return Inspection{done ? Found::done : Found::partial, marked ? "an md superblock" : "let go"};
        }
        return Inspection{member->faulty() ? Found::partial : Found::absent, member->state};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        TRY(take_out(host, leg.array, leg.member, standing.member()));
        TRY(forget(host, leg.array, leg.member, standing.device));
        if (standing.array.legs != leg.legs) TRY(run_checked(host, legs_command(leg.array, leg.legs)));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        return standing.member() == nullptr ? fmt::format("{} out of the array", leg.member) : std::string();
    }

    Result<void> revert(Host&, const Json& arguments, const Json&) const override
    {
        return fail(ErrorKind::refused,
                    fmt::format("{} was let go and does not come back", Leg(arguments).member));
    }
};

std::string summary(const Array& array)
{
    std::string members;
    for (const Member& member : array.members)
        members += fmt::format("{}{} {}", members.empty() ? "" : ", ", member.device, member.state);
    return fmt::format("{} has {} legs ({}), {}", array.name, array.legs, members, array.sync.action);
}

Result<Finding> ask_in_sync(Host& host, const Json& arguments)
{
    const Leg leg(arguments);
    const Array array = TRY(read_array(host, leg.array));
    const bool whole = array.legs == leg.legs && array.members_in_sync() == leg.legs && array.degraded == 0;
    // A check (scrub) only reads; it may go on.
    const bool quiet =
        array.sync.action == "idle" || array.sync.action == "check" || array.sync.action.empty();
    return Finding{whole && quiet ? Verdict::pass : Verdict::fail, summary(array),
                   fmt::format("{} legs in sync", leg.legs),
                   whole ? fmt::format("wait: mdadm --wait /dev/{}", array.name)
                         : fmt::format("mdadm --detail /dev/{}", array.name)};
}

Result<Finding> ask_has_leg(Host& host, const Json& arguments)
{
    const Leg leg(arguments);
    const Standing standing = TRY(standing_of(host, leg));
    const bool serves = standing.member() != nullptr && standing.member()->in_sync();
    return Finding{serves ? Verdict::pass : Verdict::fail, summary(standing.array),
                   fmt::format("{} a leg in sync", leg.member),
                   fmt::format("mdadm --detail /dev/{}", standing.array.name)};
}

Result<Finding> ask_enough_without(Host& host, const Json& arguments)
{
    const Leg leg(arguments);
    const Standing standing = TRY(standing_of(host, leg));
    uint64_t others = standing.array.members_in_sync();
    if (standing.member() != nullptr && standing.member()->in_sync()) --others;
    return Finding{others >= leg.legs ? Verdict::pass : Verdict::fail, summary(standing.array),
                   fmt::format("{} other legs in sync before {} may go", leg.legs, leg.member),
                   fmt::format("wait until the others are in sync: cat /proc/mdstat")};
}

Result<Finding> ask_lacks_one(Host& host, const Json& arguments)
{
    const Leg leg(arguments);
    const Array array = TRY(read_array(host, leg.array));
    std::optional<std::string> device;
    if (!leg.member.empty()) device = TRY(device_if_there(host, leg.member));
    const auto counts = [&](const Member& member) { return !member.faulty() && !member.in_sync(); };
    const bool spare = std::ranges::any_of(array.members, counts);
    const Member* leaving = device ? array.member(*device) : nullptr;
    const bool serves = leaving != nullptr && leaving->in_sync();
    const bool lacks = array.members_in_sync() + 1 == array.legs && !spare && !serves;
    const std::string wanted = fmt::format("{} of {} members in sync, no spare, and nothing being copied",
                                           array.legs - 1, array.legs);
    // A boot may make a member again of a disk that has failed.
    if (serves)
        return Finding{Verdict::fail, fmt::format("{} serves again: {}", leg.member, summary(array)), wanted,
                       "abort, and plan again: a member that serves is replaced while it does"};
    return Finding{lacks ? Verdict::pass : Verdict::fail, summary(array), wanted,
                   fmt::format("mdadm --detail /dev/{}", array.name)};
}

Result<Finding> ask_no_spare(Host& host, const Json& arguments)
{
    const Array array = TRY(read_array(host, Leg(arguments).array));
    const auto is_spare = [](const Member& member) {
        return member.state.starts_with("spare") && !member.slot;
    };
    const auto spare = std::ranges::find_if(array.members, is_spare);
    const bool none = spare == array.members.end();
    return Finding{
        none ? Verdict::pass : Verdict::fail, summary(array), "no spare, which md would take first",
        none ? "" : fmt::format("mdadm --manage /dev/{} --remove /dev/{}", array.name, spare->device)};
}

Json leg_arguments(const Array& array, const std::string& member, uint64_t legs)
{
    return {{"array", array.uuid}, {"member", member}, {"legs", legs}, {"legs_before", array.legs}};
}

}  // namespace

operation::Act add_leg(const Array& array, const std::string& member, uint64_t legs)
{
    std::vector<host::Command> there = {add_command(array.uuid, member)};
    std::vector<host::Command> back = {fail_command(array.uuid, member), remove_command(array.uuid, member),
                                       forget_command(member)};
    if (legs != array.legs) {
        there.push_back(legs_command(array.uuid, legs));
        back.push_back(legs_command(array.uuid, array.legs));
    }
    return {"md.add_leg", leg_arguments(array, member, legs), texts(there), texts(back)};
}

operation::Act add_leg(const Array& array, const Disk& disk, uint64_t legs)
{
    operation::Act act = add_leg(array, disk.by_id, legs);
    act.arguments["disk_size"] = disk.size.count;
    act.undo_commands.push_back(edges_hint(disk.by_id));
    return act;
}

operation::Act await_sync(const Array& array, const std::string& member)
{
    return {"md.await_sync", leg_arguments(array, member, 0), {"mdadm --wait " + array.path}};
}

operation::Act drop_leg(const Array& array, const std::string& member, uint64_t legs)
{
    std::vector<host::Command> commands = {fail_command(array.uuid, member),
                                           remove_command(array.uuid, member), forget_command(member)};
    if (legs != array.legs) commands.push_back(legs_command(array.uuid, legs));
    return {"md.drop_leg", leg_arguments(array, member, legs), texts(commands)};
}

Milliseconds copy_time(const Array& array)
{
    constexpr uint64_t plain_disk = 100 << 20;  // bytes a second
    return Milliseconds{static_cast<int64_t>(array.member_size.count / plain_disk + 1) * 1000};
}

Question in_sync(const Array& array, uint64_t legs)
{
    return {"md.in_sync", {{"array", array.uuid}, {"legs", legs}}};
}

Question has_leg(const Array& array, const std::string& member)
{
    return {"md.has_leg", {{"array", array.uuid}, {"member", member}}};
}

Question enough_without(const Array& array, const std::string& member, uint64_t legs)
{
    return {"md.enough_without", {{"array", array.uuid}, {"member", member}, {"legs", legs}}};
}

Question lacks_one(const Array& array, const std::string& leaving)
{
    return {"md.lacks_one", {{"array", array.uuid}, {"member", leaving}}};
}

Question no_spare(const Array& array)
{
    return {"md.no_spare", {{"array", array.uuid}}};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("md.add_leg", std::make_unique<AddLeg>());
    catalogue.add("md.await_sync", std::make_unique<AwaitSync>());
    catalogue.add("md.drop_leg", std::make_unique<DropLeg>());
    catalogue.add("md.replace_member", replace_member_action());
    catalogue.add_condition("md.in_sync", ask_in_sync);
    catalogue.add_condition("md.lacks_one", ask_lacks_one);
    catalogue.add_condition("md.no_spare", ask_no_spare);
    catalogue.add_condition("md.has_leg", ask_has_leg);
    catalogue.add_condition("md.enough_without", ask_enough_without);
}

}  // namespace belay::storage::md
