#include "storage/disk.h"

#include "base/json.h"
#include "storage/probe.h"

namespace belay::storage::disk {
namespace {

using host::Host;
using operation::Finding;
using operation::Json;
using operation::Question;
using operation::Verdict;

Finding pass_if(bool holds, std::string found, std::string wanted, std::string mend)
{
    return {holds ? Verdict::pass : Verdict::fail, std::move(found), std::move(wanted), std::move(mend)};
}

/// What lsblk says now of the one device that a path leads to.
Result<ListedDevice> listed(Host& host, const std::string& path)
{
    TRY(device_at(host, path));
    const host::Outcome outcome = TRY(run_checked(
        host,
        {.argv = {"lsblk", "--nodeps", "--json", "--bytes", "--list", "--output", lsblk_columns, path}}));
    const std::vector<ListedDevice> devices = TRY(parse_lsblk(outcome.out));
    if (devices.size() != 1)
        return fail(ErrorKind::corrupt, fmt::format("lsblk lists {} devices for {}", devices.size(), path));
    return devices.front();
}

/// Every device that stands on no other, by what tells it from the others.
Result<std::vector<ListedDevice>> listed_disks(Host& host)
{
    const host::Outcome outcome = TRY(run_checked(
        host,
        {.argv = {"lsblk", "--nodeps", "--json", "--bytes", "--list", "--output", lsblk_identity_columns}}));
    return parse_lsblk(outcome.out);
}

std::string identity(const std::string& serial, const std::string& wwn, uint64_t size)
{
    return fmt::format("serial {}{}{}, {} bytes", serial.empty() ? "none" : serial,
                       wwn.empty() ? "" : ", WWN ", wwn, size);
}

Result<Finding> ask_unused(Host& host, const Json& arguments)
{
    const std::string path = arguments.at("disk");
    const Inventory inventory = TRY(read_inventory(host));
    const Disk disk = TRY(inventory.disk(path));
    std::vector<std::string> uses;
    std::string mend = fmt::format("if nothing on it is needed: wipefs --all {}", path);
    const std::string another = "take another disk; this one is in use";
    const auto note_uses = [&](const std::string& device, const Content& content) {
        for (const Mount* mount : inventory.mounts_of(device)) {
            uses.push_back(fmt::format("/dev/{} is mounted on {}", device, mount->path));
            mend = another;
        }
        for (const std::string& holder : inventory.on(device)) {
            uses.push_back(fmt::format("/dev/{} is part of {}", device, holder));
            mend = another;
        }
        if (!content.type.empty()) uses.push_back(fmt::format("/dev/{} holds {}", device, content.type));
    };
    note_uses(disk.name, TRY(read_content(host, path)));
    for (const Partition& partition : disk.partitions) note_uses(partition.name, partition.content);
    if (uses.empty() && !disk.table.empty())
        uses.push_back(fmt::format("it has a partition table ({}) with {} partitions", disk.table,
                                   disk.partitions.size()));
    if (disk.read_only) uses.push_back("it is read-only");
    return pass_if(uses.empty(),
                   uses.empty() ? "blank" : fmt::format("{}: {}", shown(disk), fmt::join(uses, ", ")),
                   "a disk that nothing uses, without a table and without a signature", mend);
}

Result<Finding> ask_at_least(Host& host, const Json& arguments)
{
    const std::string path = arguments.at("disk");
    const uint64_t wanted = arguments.at("bytes"), size = TRY(listed(host, path)).size;
    std::string found = fmt::format("{} bytes", size);
    if (size < wanted) found += fmt::format(", {} too few", wanted - size);
    return pass_if(size >= wanted, std::move(found),
                   fmt::format("at least {} bytes for {}", wanted, arguments.value("for", "")),
                   "take a larger disk");
}

Result<Finding> ask_sectors(Host& host, const Json& arguments)
{
    const ListedDevice now = TRY(listed(host, arguments.at("disk")));
    const uint64_t wanted = arguments.at("logical");
    return pass_if(now.logical_sector == wanted, fmt::format("{} bytes", now.logical_sector),
                   fmt::format("{} bytes", wanted), "take a disk with the same logical sectors");
}

Result<Finding> ask_there(Host& host, const Json& arguments)
{
    const std::string path = arguments.at("path");
    const std::optional<std::string> device = TRY(device_if_there(host, path));
    return pass_if(device.has_value(), device ? "/dev/" + *device : "nothing", path, "udevadm settle");
}

}  // namespace

Result<Finding> find_identity(Host& host, const Json& arguments)
{
    const std::string path = arguments.at("disk");
    const std::string device = TRY(device_at(host, path));
    const std::vector<ListedDevice> all = TRY(listed_disks(host));
    const auto found = std::ranges::find(all, device, &ListedDevice::name);
    if (found == all.end())
        return fail(ErrorKind::not_found, fmt::format("lsblk does not list the disk {} ({})", path, device),
                    "lsblk --nodeps");
    const ListedDevice& now = *found;
    const std::string serial = arguments.at("serial"), wwn = arguments.at("wwn");
    const uint64_t size = arguments.at("size");
    for (const ListedDevice& other : all) {
        if (other.name != device && other.type == "disk" &&
            are_twins(now.serial, now.wwn, other.serial, other.wwn))
            return pass_if(false,
                           fmt::format("/dev/{} and /dev/{} both have serial {}{}{}", device, other.name,
                                       now.serial.empty() ? "none" : now.serial,
                                       now.wwn.empty() ? "" : ", WWN ", now.wwn),
                           "a disk that no other can be taken for", "unplug the other one");
    }
    return pass_if(now.serial == serial && now.wwn == wwn && now.size == size,
                   fmt::format("{} is {}", path, identity(now.serial, now.wwn, now.size)),
                   identity(serial, wwn, size),
                   "put the disk back that the plan was made for, or plan again");
}

Question is(const Disk& disk)
{
    return {"disk.is",
            {{"disk", disk.by_id}, {"serial", disk.serial}, {"wwn", disk.wwn}, {"size", disk.size.count}}};
}

Question unused(const Disk& disk)
{
    return {"disk.unused", {{"disk", disk.by_id}}};
}

Question at_least(const Disk& disk, Bytes size, std::string for_what)
{
    return {"disk.at_least", {{"disk", disk.by_id}, {"bytes", size.count}, {"for", std::move(for_what)}}};
}

Question sectors_of(const Disk& disk, uint64_t bytes)
{
    return {"disk.same_sectors", {{"disk", disk.by_id}, {"logical", bytes}}};
}

Question there(const std::string& path)
{
    return {"disk.there", {{"path", path}}};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add_condition("disk.is", find_identity);
    catalogue.add_condition("disk.unused", ask_unused);
    catalogue.add_condition("disk.at_least", ask_at_least);
    catalogue.add_condition("disk.same_sectors", ask_sectors);
    catalogue.add_condition("disk.there", ask_there);
}

}  // namespace belay::storage::disk
