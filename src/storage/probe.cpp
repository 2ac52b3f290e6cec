#include "storage/probe.h"

#include "storage/mounts.h"

#include <charconv>

namespace belay::storage {
namespace {

constexpr std::string_view by_id_folder = "/dev/disk/by-id";

std::string trimmed(std::string text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

Result<std::string> read_word(host::Host& host, const std::string& path)
{
    return trimmed(TRY(host.read(path)));
}

std::optional<uint64_t> as_number(std::string_view text)
{
    uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

/// A file of sysfs that older kernels do not have, or that is of no meaning now.
Result<std::string> read_if_there(host::Host& host, const std::string& path)
{
    Result<std::string> word = read_word(host, path);
    if (!word && word.error().kind == ErrorKind::not_found) return std::string();
    return word;
}

/// "fafc6609-078b-902e-063a-18227a35a157" as mdadm writes it: "fafc6609:078b902e:063a1822:7a35a157".
std::string mdadm_uuid(std::string_view uuid)
{
    std::string text;
    size_t digits = 0;
    for (const char c : uuid) {
        if (c == '-' || c == ':') continue;
        if (digits > 0 && digits % 8 == 0) text += ':';
        text += c;
        ++digits;
    }
    return text;
}

Result<Sync> read_sync(host::Host& host, const std::string& md)
{
    Sync sync;
    sync.action = TRY(read_if_there(host, md + "/sync_action"));
    const std::string completed =
        TRY(read_if_there(host, md + "/sync_completed"));  // "1024 / 100352" or "none"
    const auto done = as_number(completed);
    const size_t slash = completed.find("/ ");
    const auto total =
        slash == std::string::npos ? std::nullopt : as_number(std::string_view(completed).substr(slash + 2));
    if (done && total) {
        sync.done.count = *done;
        sync.total.count = *total;
    }
    const std::string speed = TRY(read_if_there(host, md + "/sync_speed"));  // KiB a second, or "none"
    sync.per_second.count = as_number(speed).value_or(0) * 1024;
    return sync;
}

Result<std::vector<Member>> read_members(host::Host& host, const std::string& md)
{
    std::vector<Member> members;
    for (const std::string& entry : TRY(host.list(md))) {
        if (!entry.starts_with("dev-")) continue;
        const Result<std::string> state = read_word(host, fmt::format("{}/{}/state", md, entry));
        if (!state && state.error().kind == ErrorKind::not_found)
            continue;  // it was removed between list and read
        if (!state) return std::unexpected(state.error());
        const std::string slot = TRY(read_if_there(host, fmt::format("{}/{}/slot", md, entry)));
        members.push_back({entry.substr(4), *state, as_number(slot)});
    }
    return members;
}

Result<Array> read_array_named(host::Host& host, const std::string& name)
{
    const std::string md = fmt::format("/sys/block/{}/md", name);
    Array array;
    array.name = name;
    array.level = TRY(read_if_there(host, md + "/level"));
    array.metadata = TRY(read_if_there(host, md + "/metadata_version"));
    array.state = TRY(read_if_there(host, md + "/array_state"));
    array.legs = TRY(read_number(host, md + "/raid_disks"));
    array.degraded = as_number(TRY(read_if_there(host, md + "/degraded"))).value_or(0);
    array.member_size.count = as_number(TRY(read_if_there(host, md + "/component_size"))).value_or(0) * 1024;
    array.bitmap = TRY(read_if_there(host, md + "/bitmap/location"));
    array.uuid = mdadm_uuid(TRY(read_if_there(host, md + "/uuid")));
    array.members = TRY(read_members(host, md));
    array.sync = TRY(read_sync(host, md));
    array.size.count =
        as_number(TRY(read_word(host, fmt::format("/sys/block/{}/size", name)))).value_or(0) * 512;
    return array;
}

/// Kernel names by what their links under /dev/disk/by-id are called.
Result<std::map<std::string, std::vector<std::string>>> read_links(host::Host& host)
{
    std::map<std::string, std::vector<std::string>> links;
    const Result<std::vector<std::string>> names = host.list(by_id_folder);
    if (!names && names.error().kind == ErrorKind::not_found) return links;  // no udev
    for (const std::string& name : TRY(Result<std::vector<std::string>>(names))) {
        const std::string path = fmt::format("{}/{}", by_id_folder, name);
        const std::optional<std::string> device = TRY(device_if_there(host, path));
        if (device) links[*device].push_back(path);
    }
    return links;
}

/// The link that says most to a person: model and serial before the number of the world-wide name.
std::string best_link(const std::vector<std::string>& links)
{
    const auto rank = [](const std::string& link) {
        const std::string_view name = std::string_view(link).substr(by_id_folder.size() + 1);
        if (name.starts_with("wwn-") || name.starts_with("nvme-eui.") || name.starts_with("nvme-nvme."))
            return 2;
        return name.starts_with("scsi-") ? 1 : 0;
    };
    const auto best = std::ranges::min_element(
        links, {}, [&](const std::string& link) { return std::pair(rank(link), link); });
    return best == links.end() ? "" : *best;
}

Result<std::vector<std::pair<std::string, std::string>>> read_holders(
    host::Host& host, const std::vector<ListedDevice>& devices)
{
    std::vector<std::pair<std::string, std::string>> holders;
    for (const ListedDevice& device : devices) {
        const Result<std::vector<std::string>> upper =
            host.list(fmt::format("/sys/class/block/{}/holders", device.name));
        if (!upper && upper.error().kind == ErrorKind::not_found) continue;
        for (const std::string& name : TRY(Result<std::vector<std::string>>(upper)))
            holders.emplace_back(device.name, name);
    }
    return holders;
}

void add_partition(Inventory& inventory, const ListedDevice& device)
{
    const auto disk = std::ranges::find(inventory.disks, device.parent, &Disk::name);
    if (disk == inventory.disks.end()) return;
    const size_t digits = device.name.find_last_not_of("0123456789") + 1;
    disk->partitions.push_back({.name = device.name,
                                .number = as_number(std::string_view(device.name).substr(digits)).value_or(0),
                                .start = device.start.value_or(0),
                                .size = {device.size},
                                .type = device.partition_type,
                                .uuid = device.partition_uuid,
                                .content = device.content});
}

}  // namespace

Result<std::optional<std::string>> device_if_there(host::Host& host, std::string_view path)
{
    const Result<std::string> real = host.resolve(path);
    if (!real && real.error().kind == ErrorKind::not_found) return std::optional<std::string>();
    if (!real) return std::unexpected(real.error());
    return std::optional(real->substr(real->rfind('/') + 1));
}

Result<std::string> device_at(host::Host& host, std::string_view path)
{
    const std::optional<std::string> device = TRY(device_if_there(host, path));
    if (!device)
        return fail(ErrorKind::not_found, fmt::format("there is no {} on this host now", path),
                    "belay storage show");
    return *device;
}

Result<uint64_t> read_number(host::Host& host, const std::string& path)
{
    const std::string word = TRY(read_word(host, path));
    const auto value = as_number(word);
    if (!value)
        return fail(ErrorKind::corrupt, fmt::format("{} holds \"{}\", which is not a number", path, word));
    return *value;
}

Result<Inventory> read_inventory(host::Host& host)
{
    TRY(host.run({.argv = {"udevadm", "settle", "--timeout=30"}}));
    const host::Outcome outcome = TRY(host::run_checked(
        host, {.argv = {"lsblk", "--all", "--json", "--bytes", "--list", "--output", lsblk_columns}}));
    std::vector<ListedDevice> devices = TRY(parse_lsblk(outcome.out));
    for (ListedDevice& device : devices) {
        if (device.content.type == "linux_raid_member") device.content.uuid = mdadm_uuid(device.content.uuid);
    }
    const auto links = TRY(read_links(host));
    Inventory inventory;
    std::set<std::string> seen;
    for (const ListedDevice& device : devices) {
        // lsblk lists what stands on two devices twice, and devices without a size where nothing is behind
        // them.
        if (device.size == 0 || !seen.insert(device.name).second) continue;
        if (device.type == "disk") {
            const auto found = links.find(device.name);
            const std::vector<std::string> paths =
                found == links.end() ? std::vector<std::string>() : found->second;
            inventory.disks.push_back({.name = device.name,
                                       .by_id = best_link(paths),
                                       .links = paths,
                                       .model = device.model,
                                       .serial = device.serial,
                                       .wwn = device.wwn,
                                       .size = {device.size},
                                       .logical_sector = device.logical_sector,
                                       .physical_sector = device.physical_sector,
                                       .rotational = device.rotational,
                                       .read_only = device.read_only,
                                       .table = device.table,
                                       .table_id = device.table_id,
                                       .partitions = {},
                                       .content = device.content});
        } else if (device.type == "part") {
            add_partition(inventory, device);
        } else if (device.name.starts_with("md") && device.type.starts_with("raid")) {
            Array array = TRY(read_array_named(host, device.name));
            const auto found = links.find(device.name);
            for (const std::string& link :
                 found == links.end() ? std::vector<std::string>() : found->second) {
                if (link.find("/md-uuid-") == std::string::npos) continue;
                array.path = link;
                if (array.uuid.empty()) array.uuid = link.substr(link.find("md-uuid-") + 8);
            }
            array.content = device.content;
            inventory.arrays.push_back(std::move(array));
        } else {
            inventory.others.push_back({device.name, device.type, {device.size}, device.content});
        }
    }
    for (Disk& disk : inventory.disks) std::ranges::sort(disk.partitions, {}, &Partition::start);
    inventory.holders = TRY(read_holders(host, devices));
    inventory.mounts = TRY(read_mounts(host));
    return inventory;
}

Result<Array> read_array(host::Host& host, std::string_view uuid)
{
    const std::string path = fmt::format("{}/md-uuid-{}", by_id_folder, uuid);
    const std::string name = TRY(device_at(host, path));
    Array array = TRY(read_array_named(host, name));
    // The link is udev's; where the kernel tells the UUID itself, the kernel is believed.
    if (!array.uuid.empty() && array.uuid != uuid)
        return fail(ErrorKind::not_found,
                    fmt::format("{} leads to /dev/{}, which is the array {}", path, name, array.uuid),
                    "udevadm trigger --subsystem-match=block");
    array.uuid = uuid;
    array.path = path;
    return array;
}

Result<Content> read_content(host::Host& host, std::string_view path)
{
    const host::Command command{.argv = {"blkid", "--probe", "--output", "export", std::string(path)}};
    const host::Outcome outcome = TRY(host.run(command));
    constexpr int nothing_recognised = 2;
    constexpr int ambivalent = 8;
    if (outcome.exit_code == nothing_recognised) return Content{};
    if (outcome.exit_code == ambivalent)
        return fail(ErrorKind::corrupt, fmt::format("{} holds traces of two different things", path),
                    fmt::format("wipefs {}", path));
    if (outcome.exit_code != 0)
        return std::unexpected(Error{.what = fmt::format("blkid cannot read {}", path),
                                     .argv = command.argv,
                                     .exit_code = outcome.exit_code,
                                     .output = outcome.err.substr(0, 4096)});
    std::map<std::string, std::string> values = parse_export(outcome.out);
    Content content{values["TYPE"], values["UUID"], values["LABEL"]};
    if (content.type == "linux_raid_member") content.uuid = mdadm_uuid(content.uuid);
    return content;
}

Result<std::optional<PartitionTable>> read_table(host::Host& host, std::string_view disk_path)
{
    const host::Command command{.argv = {"sfdisk", "--json", std::string(disk_path)}};
    const host::Outcome outcome = TRY(host.run(command));
    if (outcome.exit_code == 0) return std::optional(TRY(parse_sfdisk(outcome.out)));
    if (outcome.err.find("does not contain a recognized partition table") != std::string::npos)
        return std::optional<PartitionTable>();
    return std::unexpected(Error{.what = fmt::format("sfdisk cannot read {}", disk_path),
                                 .argv = command.argv,
                                 .exit_code = outcome.exit_code,
                                 .output = outcome.err.substr(0, 4096)});
}

}  // namespace belay::storage
