#include "storage/uses.h"

#include "storage/disk.h"
#include "storage/probe.h"

namespace belay::storage {
namespace {

using operation::Finding;
using operation::Verdict;
using UsesJson = operation::Json;

const char* const free_it = "umount, swapoff or stop what uses it first";

bool is_number(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void append(std::vector<std::string>& all, std::vector<std::string> more)
{
    std::ranges::move(more, std::back_inserter(all));
}

/// The devices among `devices` that this process has open.
Result<std::set<std::string>> opened_by(host::Host& host, const std::string& process,
                                        const std::set<std::string>& devices)
{
    std::set<std::string> opened;
    const std::string folder = fmt::format("/proc/{}/fd", process);
    // The process may end while it is looked at.
    const Result<std::vector<std::string>> descriptors = host.list(folder);
    if (!descriptors) return opened;
    for (const std::string& descriptor : *descriptors) {
        const Result<std::string> path = host.resolve(fmt::format("{}/{}", folder, descriptor));
        if (!path && path.error().kind == ErrorKind::dead) return std::unexpected(path.error());
        if (path && path->starts_with("/dev/") && devices.contains(path->substr(5)))
            opened.insert(path->substr(5));
    }
    return opened;
}

/// Who only looks, as blkid does, is gone after so many seconds.
constexpr int looks_again = 2;

/// They read what a disk says of itself, and that may take a while: udev, and what asks for its health, as
/// belayd does.
bool looks_and_goes(std::string_view program)
{
    return program == "systemd-udevd" || program.starts_with("(udev-worker") || program == "smartctl";
}

Result<std::vector<std::string>> openers_now(host::Host& host, const std::set<std::string>& devices)
{
    std::vector<std::string> openers;
    for (const std::string& process : TRY(host.list("/proc"))) {
        if (!is_number(process)) continue;
        const std::set<std::string> opened = TRY(opened_by(host, process, devices));
        if (opened.empty()) continue;
        std::string name = host.read(fmt::format("/proc/{}/comm", process)).value_or("a process");
        while (name.ends_with('\n')) name.pop_back();
        if (looks_and_goes(name)) continue;
        openers.push_back(
            fmt::format("{} (process {}) has /dev/{} open", name, process, fmt::join(opened, ", /dev/")));
    }
    return openers;
}

std::set<std::string> names_on(const Disk& disk)
{
    std::set<std::string> names = {disk.name};
    for (const Partition& partition : disk.partitions) names.insert(partition.name);
    return names;
}

Finding finding_of_uses(const std::vector<std::string>& uses, const std::vector<std::string>& notes,
                        std::string wanted)
{
    if (!uses.empty())
        return {Verdict::fail, fmt::format("{}", fmt::join(uses, ", ")), std::move(wanted), free_it};
    if (!notes.empty()) return {Verdict::warn, fmt::format("{}", fmt::join(notes, ", ")), std::move(wanted)};
    return {Verdict::pass, "nothing uses it", std::move(wanted)};
}

Result<Finding> ask_is_blank(host::Host& host, const UsesJson& arguments)
{
    const std::string path = arguments.at("device");
    const Inventory inventory = TRY(read_inventory(host));
    const std::string name = TRY(device_at(host, path));
    const Device device = TRY(device_named(inventory, name));
    std::vector<std::string> uses =
        device.is_whole_disk ? uses_of(inventory, device.disk) : uses_of(inventory, name);
    const bool in_use = !uses.empty();
    const Content content = TRY(read_content(host, path));
    if (!content.type.empty()) uses.push_back(fmt::format("/dev/{} holds {}", name, content.type));
    if (device.is_whole_disk && !device.disk.table.empty())
        uses.push_back(fmt::format("it has a partition table ({}) with {} partitions", device.disk.table,
                                   device.disk.partitions.size()));
    if (device.disk.read_only) uses.emplace_back("it is read-only");
    return Finding{uses.empty() ? Verdict::pass : Verdict::fail,
                   uses.empty() ? "blank" : fmt::format("{}: {}", shown(device), fmt::join(uses, ", ")),
                   "a device that nothing uses, without a table and without a signature",
                   in_use ? "take another one; this one is in use"
                          : fmt::format("if nothing on it is needed: wipefs --all {}", path)};
}

/// Pools and volume groups hold their disks without the kernel's block layer showing it.
bool is_held_unseen(const Content& content)
{
    return content.type == "LVM2_member" || content.type == "zfs_member";
}

Result<Finding> find_disk_uses(host::Host& host, const std::string& path)
{
    const Inventory inventory = TRY(read_inventory(host));
    const Disk disk = TRY(inventory.disk(path));
    std::vector<std::string> uses = uses_of(inventory, disk), notes;
    const auto note = [&](const std::string& device, const Content& content) {
        if (content.type.empty() || !inventory.on(device).empty() || !inventory.mounts_of(device).empty())
            return;
        (is_held_unseen(content) ? uses : notes)
            .push_back(fmt::format("/dev/{} holds {}", device, content.type));
    };
    note(disk.name, disk.content);
    for (const Partition& partition : disk.partitions) note(partition.name, partition.content);
    append(uses, TRY(openers_of(host, names_on(disk))));
    return finding_of_uses(uses, notes, "a disk that nothing uses");
}

Result<Finding> ask_is_idle(host::Host& host, const UsesJson& arguments)
{
    return find_disk_uses(host, arguments.at("disk"));
}

Result<Finding> ask_may_go(host::Host& host, const UsesJson& arguments)
{
    const std::string path = arguments.at("disk");
    if (!TRY(device_if_there(host, path))) return Finding{Verdict::pass, "it is out"};
    Finding same = TRY(disk::find_identity(host, arguments.at("is")));
    if (same.verdict == Verdict::fail) return same;
    return find_disk_uses(host, path);
}

Result<Finding> ask_array_is_idle(host::Host& host, const UsesJson& arguments)
{
    const std::string uuid = arguments.at("array");
    if (!TRY(device_if_there(host, "/dev/disk/by-id/md-uuid-" + uuid)))
        return Finding{Verdict::pass, "it does not run"};
    const Inventory inventory = TRY(read_inventory(host));
    const Array array = TRY(inventory.array(uuid));
    std::vector<std::string> uses = uses_of(inventory, array.name);
    append(uses, TRY(openers_of(host, {array.name})));
    return finding_of_uses(uses, {}, "an array that nothing uses");
}

}  // namespace

std::vector<std::string> uses_of(const Inventory& host, const std::string& device)
{
    std::vector<std::string> uses;
    for (const Mount* mount : host.mounts_of(device))
        uses.push_back(mount->path == "[SWAP]"
                           ? fmt::format("/dev/{} is swap", device)
                           : fmt::format("/dev/{} is mounted on {}", device, mount->path));
    for (const std::string& holder : host.on(device))
        uses.push_back(fmt::format("/dev/{} is part of {}", device, holder));
    return uses;
}

std::vector<std::string> uses_of(const Inventory& host, const Disk& disk)
{
    std::vector<std::string> uses;
    for (const std::string& name : names_on(disk)) append(uses, uses_of(host, name));
    return uses;
}

Result<std::vector<std::string>> openers_of(host::Host& host, const std::set<std::string>& devices)
{
    std::vector<std::string> openers = TRY(openers_now(host, devices));
    for (int again = 0; again < looks_again && !openers.empty(); ++again) {
        TRY(host.run({.argv = {"sleep", "1"}}));
        openers = TRY(openers_now(host, devices));
    }
    return openers;
}

operation::Question is_blank(const Device& device)
{
    return {"device.is_blank", {{"device", device.path}}};
}

operation::Question is_idle(const Disk& disk)
{
    return {"disk.is_idle", {{"disk", disk.by_id}}};
}

operation::Question may_go(const Disk& disk)
{
    return {"disk.may_go", {{"disk", disk.by_id}, {"is", disk::is(disk).arguments}}};
}

operation::Question is_idle(const Array& array)
{
    return {"array.is_idle", {{"array", array.uuid}}};
}

void fill_uses(operation::Catalogue& catalogue)
{
    catalogue.add_condition("device.is_blank", ask_is_blank);
    catalogue.add_condition("disk.is_idle", ask_is_idle);
    catalogue.add_condition("array.is_idle", ask_array_is_idle);
    catalogue.add_condition("disk.may_go", ask_may_go);
}

}  // namespace belay::storage
