#include "storage/md_member.h"

#include "storage/edges.h"
#include "storage/probe.h"

namespace belay::storage::md {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Json;

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

}  // namespace

Leg::Leg(const Json& arguments)
    : array(arguments.value("array", "")),
      member(arguments.value("member", "")),
      legs(arguments.value("legs", uint64_t{0})),
      legs_before(arguments.value("legs_before", uint64_t{0})),
      disk_size{arguments.value("disk_size", uint64_t{0})}
{
}

Result<Standing> standing_of(Host& host, const std::string& array, const std::string& member)
{
    Standing standing;
    standing.array = TRY(read_array(host, array));
    standing.device = TRY(device_if_there(host, member));
    return standing;
}

Result<Standing> standing_of(Host& host, const Leg& leg)
{
    return standing_of(host, leg.array, leg.member);
}

Command add_command(const std::string& array, const std::string& member)
{
    return mdadm({"--manage", array_path(array), "--add", member});
}

Command legs_command(const std::string& array, uint64_t legs)
{
    std::vector<std::string> words = {"--grow", array_path(array), fmt::format("--raid-devices={}", legs)};
    if (legs == 1) words.emplace_back("--force");  // mdadm takes a mirror of one for a mistake
    return mdadm(std::move(words));
}

Command fail_command(const std::string& array, const std::string& member)
{
    return mdadm({"--manage", array_path(array), "--fail", member});
}

Command remove_command(const std::string& array, const std::string& member)
{
    return mdadm({"--manage", array_path(array), "--remove", member});
}

Command forget_command(const std::string& member)
{
    return mdadm({"--zero-superblock", member});
}

Command replace_command(const std::string& array, const std::string& leaving, const std::string& joining)
{
    return mdadm({"--manage", array_path(array), "--replace", leaving, "--with", joining});
}

std::vector<std::string> texts(const std::vector<Command>& commands)
{
    std::vector<std::string> all;
    for (const Command& command : commands) all.push_back(command.to_text());
    return all;
}

Result<bool> carries_superblock(Host& host, const std::string& array, const std::string& member)
{
    const Content content = TRY(read_content(host, member));
    return content.type == "linux_raid_member" && content.uuid == array;
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

Result<void> take_out(Host& host, const std::string& array, const std::string& path, const Member* member)
{
    if (member == nullptr) return {};
    if (!member->faulty()) TRY(run_checked(host, fail_command(array, path)));
    TRY(run_checked(host, remove_command(array, path)));
    return {};
}

Result<void> forget(Host& host, const std::string& array, const std::string& path,
                    const std::optional<std::string>& device)
{
    if (device && TRY(carries_superblock(host, array, path))) TRY(run_checked(host, forget_command(path)));
    return {};
}

Result<Json> remember_edges(Host& host, const Leg& leg)
{
    if (leg.disk_size.count == 0) return Json::object();
    return packed(TRY(read_edges(host, leg.member, leg.disk_size)));
}

Result<bool> edges_differ(Host& host, const Leg& leg, const Json& remembered)
{
    if (leg.disk_size.count == 0) return false;
    const Edges now = TRY(read_edges(host, leg.member, leg.disk_size));
    return now != TRY(unpacked_edges(remembered));
}

Result<void> put_edges_back(Host& host, const Leg& leg, const Json& remembered)
{
    if (leg.disk_size.count == 0) return {};
    return write_edges(host, leg.member, leg.disk_size, TRY(unpacked_edges(remembered)));
}

}  // namespace belay::storage::md
