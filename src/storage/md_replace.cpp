#include "storage/edges.h"
#include "storage/md.h"
#include "storage/md_member.h"
#include "storage/probe.h"

namespace belay::storage::md {
namespace {

using host::Host;
using operation::Inspection;
using operation::Json;

bool says(const Member* member, std::string_view word)
{
    return member != nullptr && member->state.find(word) != std::string::npos;
}

bool serves(const Member* member)
{
    return member != nullptr && member->in_sync();
}

/// Where the two stand now.
struct Pair {
    Array array;
    std::string leaving_path, joining_path;
    std::optional<std::string> leaving_device, joining_device;

    const Member* leaving() const { return leaving_device ? array.member(*leaving_device) : nullptr; }
    const Member* joining() const { return joining_device ? array.member(*joining_device) : nullptr; }
    /// md was asked to copy `from` to `to`, or is at it. After a boot only `to` still says so.
    static bool replaces(const Member* from, const Member* to)
    {
        const bool asked = says(from, "want_replacement") || says(to, "replacement");
        return serves(from) && to != nullptr && !to->faulty() && !to->in_sync() && asked;
    }
    std::string state_file(const Member& member) const
    {
        return fmt::format("/sys/block/{}/md/dev-{}/state", array.name, member.device);
    }
};

Result<Pair> pair_of(Host& host, const Json& arguments)
{
    Pair pair;
    pair.array = TRY(read_array(host, arguments.at("array").get<std::string>()));
    pair.leaving_path = arguments.at("leaving");
    pair.joining_path = arguments.at("member");
    pair.leaving_device = TRY(device_if_there(host, pair.leaving_path));
    pair.joining_device = TRY(device_if_there(host, pair.joining_path));
    return pair;
}

/// While `leaving` serves: nobody replaces it any more.
Result<void> call_off(Host& host, const Pair& pair)
{
    if (!says(pair.leaving(), "want_replacement")) return {};
    return host.write(pair.state_file(*pair.leaving()), "-want_replacement");
}

/// `leaving` was replaced already: it becomes a spare, and takes its place back from `joining`.
Result<void> replace_back(Host& host, const Pair& pair)
{
    const std::string& array = pair.array.uuid;
    const Member* leaving = pair.leaving();
    if (!serves(pair.joining()))
        return fail(ErrorKind::refused,
                    fmt::format("{} has failed, and {} is not yet whole in its place", pair.leaving_path,
                                pair.joining_path),
                    fmt::format("wait: mdadm --wait /dev/{}", pair.array.name));
    if (!pair.leaving_device)
        return fail(
            ErrorKind::refused,
            fmt::format("{} is gone, and {} serves in its place", pair.leaving_path, pair.joining_path),
            "plug it in again; or commit");
    if (leaving != nullptr && leaving->faulty()) {
        TRY(run_checked(host, remove_command(array, pair.leaving_path)));
        leaving = nullptr;
    }
    if (leaving == nullptr) {
        // What its superblock tells is of the time when it served; mdadm makes no spare of such a one.
        TRY(forget(host, array, pair.leaving_path, pair.leaving_device));
        TRY(run_checked(host, add_command(array, pair.leaving_path)));
    }
    TRY(run_checked(host, replace_command(array, pair.joining_path, pair.leaving_path)));
    return {};
}

class ReplaceMember final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Pair pair = TRY(pair_of(host, arguments));
        const Member* joining = pair.joining();
        using Found = Inspection::Found;
        if (joining == nullptr) return Inspection{Found::absent, "not a member"};
        if (joining->faulty()) return Inspection{Found::partial, "the member failed"};
        const bool begun = serves(joining) || Pair::replaces(pair.leaving(), joining);
        return Inspection{begun ? Found::done : Found::partial, joining->state};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        return remember_edges(host, Leg(arguments));
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Pair pair = TRY(pair_of(host, arguments));
        if (pair.joining() == nullptr)
            TRY(run_checked(host, add_command(pair.array.uuid, pair.joining_path)));
        TRY(run_checked(host, replace_command(pair.array.uuid, pair.leaving_path, pair.joining_path)));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const Pair pair = TRY(pair_of(host, arguments));
        if (!serves(pair.leaving())) return fmt::format("{} out of its place", pair.leaving_path);
        if (pair.joining() != nullptr) return fmt::format("{} in the array", pair.joining_path);
        if (says(pair.leaving(), "want_replacement"))
            return fmt::format("the wish to replace {}", pair.leaving_path);
        if (!pair.joining_device) return std::string();
        if (TRY(carries_superblock(host, pair.array.uuid, pair.joining_path)))
            return fmt::format("an md superblock on {}", pair.joining_path);
        if (TRY(edges_differ(host, Leg(arguments), remembered)))
            return fmt::format("traces of md at the ends of {}", pair.joining_path);
        return std::string();
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const Pair pair = TRY(pair_of(host, arguments));
        if (!serves(pair.leaving())) return replace_back(host, pair);
        TRY(call_off(host, pair));
        TRY(take_out(host, pair.array.uuid, pair.joining_path, pair.joining()));
        TRY(forget(host, pair.array.uuid, pair.joining_path, pair.joining_device));
        return pair.joining_device ? put_edges_back(host, Leg(arguments), remembered) : Result<void>();
    }

    Result<std::optional<Inspection>> going_back(Host& host, const Json& arguments,
                                                 const Json&) const override
    {
        const Pair pair = TRY(pair_of(host, arguments));
        if (!Pair::replaces(pair.joining(), pair.leaving())) return std::optional<Inspection>();
        Inspection running{Inspection::Found::running, pair.array.sync.action, progress_of(pair.array.sync)};
        if (!running.progress)
            running.progress = operation::Progress{0, pair.array.member_size.count, 0, "bytes"};
        return running;
    }
};

}  // namespace

std::unique_ptr<operation::Action> replace_member_action()
{
    return std::make_unique<ReplaceMember>();
}

operation::Act replace_member(const Array& array, const Place& leaving, const std::string& joining)
{
    const std::string off =
        fmt::format("echo -want_replacement > /sys/block/{}/md/dev-{}/state", array.name, leaving.device);
    const std::string& uuid = array.uuid;
    // Which of them a person needs depends on how far md is: failing the new member when it serves in the
    // place of the old one would leave the array without redundancy.
    std::vector<std::string> back = {
        fmt::format("# only where {} serves no more: it takes its place back first", leaving.path)};
    const auto append = [&](const std::vector<host::Command>& commands) {
        for (std::string& command : texts(commands)) back.push_back(std::move(command));
    };
    append({remove_command(uuid, leaving.path), forget_command(leaving.path), add_command(uuid, leaving.path),
            replace_command(uuid, joining, leaving.path)});
    back.push_back("mdadm --wait " + array.path);
    back.push_back(fmt::format("# when {} serves", leaving.path));
    back.push_back(off);
    append({fail_command(uuid, joining), remove_command(uuid, joining), forget_command(joining)});
    return {"md.replace_member",
            {{"array", uuid}, {"leaving", leaving.path}, {"member", joining}},
            texts({add_command(uuid, joining), replace_command(uuid, leaving.path, joining)}),
            back};
}

operation::Act replace_member(const Array& array, const Place& leaving, const Disk& joining)
{
    operation::Act act = replace_member(array, leaving, joining.by_id);
    act.arguments["disk_size"] = joining.size.count;
    act.undo_commands.push_back(edges_hint(joining.by_id));
    return act;
}

}  // namespace belay::storage::md
