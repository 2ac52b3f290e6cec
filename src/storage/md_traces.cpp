#include "storage/md_traces.h"

#include "storage/probe.h"

namespace belay::storage::md {
namespace {

constexpr Milliseconds patience_of_stop = std::chrono::minutes(2);  // mdadm waits for udev

/// Whether the device carries a superblock of that array.
Result<bool> is_marked(host::Host& host, const std::string& path, const std::string& uuid)
{
    const Content content = TRY(read_content(host, path));
    return content.type == "linux_raid_member" && content.uuid == uuid;
}

/// The kernel names of the members that are there.
Result<std::set<std::string>> devices_of(host::Host& host, const std::vector<std::string>& paths)
{
    std::set<std::string> devices;
    for (const std::string& path : paths) {
        const std::optional<std::string> device = TRY(device_if_there(host, path));
        if (device) devices.insert(*device);
    }
    return devices;
}

}  // namespace

std::string lasting_path(const std::string& uuid)
{
    return "/dev/disk/by-id/md-uuid-" + uuid;
}

Result<Traces> traces_of(host::Host& host, const std::string& uuid, const std::vector<std::string>& members)
{
    Traces traces;
    if (TRY(device_if_there(host, lasting_path(uuid)))) traces.array = TRY(read_array(host, uuid));
    for (const std::string& path : members) {
        const std::optional<std::string> device = TRY(device_if_there(host, path));
        if (!device) continue;
        if (!TRY(is_marked(host, path, uuid))) continue;
        traces.marked.push_back(path);
        for (const std::string& holder :
             TRY(host.list(fmt::format("/sys/class/block/{}/holders", *device)))) {
            if (holder.starts_with("md")) traces.holders.insert(holder);
        }
    }
    if (traces.array) traces.holders.insert(traces.array->name);
    return traces;
}

Result<bool> runs_with(host::Host& host, const Array& array, const std::vector<std::string>& members)
{
    const std::set<std::string> wanted = TRY(devices_of(host, members));
    std::set<std::string> found;
    for (const Member& member : array.members) {
        if (!member.faulty()) found.insert(member.device);
    }
    const bool runs = array.state != "inactive" && array.state != "clear" && !array.level.empty();
    return runs && found == wanted && wanted.size() == members.size();
}

host::Command stop_command(const std::string& path)
{
    return {.argv = {"mdadm", "--stop", path}, .effect = host::Effect::changes, .limit = patience_of_stop};
}

Result<void> stop_traces(host::Host& host, const std::string& uuid, const Traces& traces)
{
    for (const std::string& holder : traces.holders) {
        const bool by_link = traces.array && holder == traces.array->name;
        TRY(run_checked(host, stop_command(by_link ? lasting_path(uuid) : "/dev/" + holder)));
    }
    return await_udev(host);
}

Result<void> await_udev(host::Host& host)
{
    TRY(host.run({.argv = {"udevadm", "settle", "--timeout=30"}}));
    return {};
}

std::string description_of(const Array& array)
{
    std::string members;
    for (const Member& member : array.members)
        members += fmt::format("{}{} {}", members.empty() ? "" : ", ", member.device, member.state);
    return fmt::format("{}, {} of {} ({}), {}", array.level, array.members.size(), array.legs, members,
                       array.state);
}

}  // namespace belay::storage::md
