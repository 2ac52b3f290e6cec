#include "storage/md.h"

#include "storage/edges.h"
#include "storage/probe.h"

namespace belay::storage::md {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Question;
using operation::Verdict;

constexpr Milliseconds slow = std::chrono::minutes(2);  // mdadm waits for the array to be quiet

Command mdadm(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), "mdadm");
    return {.argv = std::move(arguments), .effect = Effect::changes, .limit = slow};
}

std::string array_path(const std::string& uuid)
{
    return "/dev/disk/by-id/md-uuid-" + uuid;
}

Command add_command(const std::string& uuid, const std::string& member)
{
    return mdadm({"--manage", array_path(uuid), "--add", member});
}
Command legs_command(const std::string& uuid, uint64_t legs)
{
    std::vector<std::string> words = {"--grow", array_path(uuid), fmt::format("--raid-devices={}", legs)};
    if (legs == 1) words.emplace_back("--force");  // mdadm takes a mirror of one for a mistake
    return mdadm(std::move(words));
}
Command fail_command(const std::string& uuid, const std::string& member)
{
    return mdadm({"--manage", array_path(uuid), "--fail", member});
}
Command remove_command(const std::string& uuid, const std::string& member)
{
    return mdadm({"--manage", array_path(uuid), "--remove", member});
}
Command forget_command(const std::string& member)
{
    return mdadm({"--zero-superblock", member});
}

std::vector<std::string> texts(const std::vector<Command>& commands)
{
    std::vector<std::string> all;
    for (const Command& command : commands) all.push_back(command.to_text());
    return all;
}

/// What every leg action is told.
struct Leg {
    std::string array, member;
    uint64_t legs = 0, legs_before = 0;
    Bytes disk_size;  ///< of a member that is a whole disk, whose edges are put back

    explicit Leg(const Json& arguments)
        : array(arguments.value("array", "")),
          member(arguments.value("member", "")),
          legs(arguments.value("legs", uint64_t{0})),
          legs_before(arguments.value("legs_before", uint64_t{0})),
          disk_size{arguments.value("disk_size", uint64_t{0})}
    {
    }
};

/// The member's place in the array now; null where the disk is gone or the array does not have it.
struct Standing {
    Array array;
    std::optional<std::string> device;
    const Member* member() const { return device ? array.member(*device) : nullptr; }
};

Result<Standing> standing_of(Host& host, const Leg& leg)
{
    Standing standing;
    standing.array = TRY(read_array(host, leg.array));
    standing.device = TRY(device_if_there(host, leg.member));
    return standing;
}

/// Whether the device carries a superblock of that array, and of no other.
Result<bool> carries_superblock(Host& host, const Leg& leg)
{
    const Content content = TRY(read_content(host, leg.member));
    return content.type == "linux_raid_member" && content.uuid == leg.array;
}

bool is_copying(const Sync& sync)
{
    return sync.action == "recover" || sync.action == "resync";
}

std::optional<operation::Progress> progress_of(const Sync& sync)
{
    if (sync.total.count == 0) return std::nullopt;
    return operation::Progress{bytes_of(sync.done).count, bytes_of(sync.total).count, sync.per_second.count,
                               "bytes"};
}

/// Fails and removes a member, as far as it is there. md lets go of a failed member only when its last
/// requests have come back, so the removal is tried again for a moment by whoever called (the engine).
Result<void> take_out(Host& host, const Leg& leg, const Member* member)
{
    if (member == nullptr) return {};
    if (!member->faulty()) TRY(run_checked(host, fail_command(leg.array, leg.member)));
    TRY(run_checked(host, remove_command(leg.array, leg.member)));
    return {};
}

/// The superblock of a member that was taken out goes before raid-devices shrinks: where it says another
/// number of legs than those of the others, the next boot may assemble it first and then refuse them.
Result<void> forget(Host& host, const Leg& leg, const std::optional<std::string>& device)
{
    if (device && TRY(carries_superblock(host, leg))) TRY(run_checked(host, forget_command(leg.member)));
    return {};
}

class AddLeg final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        const Member* member = standing.member();
        const bool grown = standing.array.legs == leg.legs;
        using Found = Inspection::Found;
        // Where a place was free raid-devices is right from the start, and tells nothing.
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
        const Leg leg(arguments);
        if (leg.disk_size.count == 0) return Json::object();
        return packed(TRY(read_edges(host, leg.member, leg.disk_size)));
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
        if (TRY(carries_superblock(host, leg))) return fmt::format("an md superblock on {}", leg.member);
        if (leg.disk_size.count > 0 &&
            TRY(read_edges(host, leg.member, leg.disk_size)) != TRY(unpacked_edges(remembered)))
            return fmt::format("traces of md at the ends of {}", leg.member);
        return std::string();
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        TRY(take_out(host, leg, standing.member()));
        TRY(forget(host, leg, standing.device));
        if (standing.array.legs != leg.legs_before)
            TRY(run_checked(host, legs_command(leg.array, leg.legs_before)));
        if (standing.device && leg.disk_size.count > 0)
            TRY(write_edges(host, leg.member, leg.disk_size, TRY(unpacked_edges(remembered))));
        return {};
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
            const bool marked = standing.device && TRY(carries_superblock(host, leg));
            const bool done = !marked && standing.array.legs == leg.legs;
            return Inspection{done ? Found::done : Found::partial, marked ? "an md superblock" : "let go"};
        }
        return Inspection{member->faulty() ? Found::partial : Found::absent, member->state};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Leg leg(arguments);
        const Standing standing = TRY(standing_of(host, leg));
        TRY(take_out(host, leg, standing.member()));
        TRY(forget(host, leg, standing.device));
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

Json leg_arguments(const Array& array, const std::string& member, uint64_t legs)
{
    return {{"array", array.uuid}, {"member", member}, {"legs", legs}, {"legs_before", array.legs}};
}

}  // namespace

operation::Act add_leg(const Array& array, const std::string& member, uint64_t legs)
{
    return {"md.add_leg", leg_arguments(array, member, legs),
            texts({add_command(array.uuid, member), legs_command(array.uuid, legs)}),
            texts({fail_command(array.uuid, member), remove_command(array.uuid, member),
                   forget_command(member), legs_command(array.uuid, array.legs)})};
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
    return {"md.await_sync", leg_arguments(array, member, 0), {"mdadm --wait " + array_path(array.uuid)}};
}

operation::Act drop_leg(const Array& array, const std::string& member, uint64_t legs)
{
    return {"md.drop_leg", leg_arguments(array, member, legs),
            texts({fail_command(array.uuid, member), remove_command(array.uuid, member),
                   forget_command(member), legs_command(array.uuid, legs)})};
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

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("md.add_leg", std::make_unique<AddLeg>());
    catalogue.add("md.await_sync", std::make_unique<AwaitSync>());
    catalogue.add("md.drop_leg", std::make_unique<DropLeg>());
    catalogue.add_condition("md.in_sync", ask_in_sync);
    catalogue.add_condition("md.has_leg", ask_has_leg);
    catalogue.add_condition("md.enough_without", ask_enough_without);
}

}  // namespace belay::storage::md
