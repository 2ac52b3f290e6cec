// util-linux and the rest; mdadm is in simulated_mdadm.cpp.

#include "simulated_programs.h"

#include "simulated_script.h"
#include "simulated_volumes.h"

namespace belay::simulated {
namespace {

std::string lower(std::string text)
{
    for (char& c : text) c = static_cast<char>(std::tolower(c));
    return text;
}

std::string upper(std::string text)
{
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    return text;
}

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json() : Json(text);
}

/// "0xfd" for an MBR's partition, the GUID for a GPT's: as udev and blkid say it.
std::string shown_type(const std::string& label, const std::string& type)
{
    return label == "dos" ? "0x" + type : lower(type);
}

/// lsblk and blkid say the id of an MBR without 0x.
std::string shown_id(const std::string& id)
{
    return lower(id.starts_with("0x") ? id.substr(2) : id);
}

/// How sfdisk calls a partition of the disk that it was given as `path`.
std::string node_of(const std::string& path, uint64_t number)
{
    if (path.starts_with("/dev/disk/")) return fmt::format("{}-part{}", path, number);
    const bool digit = std::isdigit(static_cast<unsigned char>(path.back())) != 0;
    return fmt::format("{}{}{}", path, digit ? "p" : "", number);
}

Json json_of(const storage::PartitionTable& table, const std::string& path)
{
    const bool gpt = table.label == "gpt";
    Json rows = Json::array();
    for (const storage::PartitionTable::Entry& entry : table.entries) {
        Json row = {{"node", node_of(path, entry.number)},
                    {"start", entry.start},
                    {"size", entry.size},
                    {"type", gpt ? upper(entry.type) : entry.type}};
        if (gpt) row["uuid"] = upper(entry.uuid);
        if (!entry.name.empty()) row["name"] = entry.name;
        if (!entry.attributes.empty()) row["attrs"] = entry.attributes;
        if (entry.bootable) row["bootable"] = true;
        rows.push_back(std::move(row));
    }
    Json json = {
        {"label", table.label}, {"id", gpt ? upper(table.id) : table.id}, {"device", path},
        {"unit", "sectors"},    {"sectorsize", table.sector_size},        {"partitions", std::move(rows)}};
    if (gpt) json.update({{"firstlba", table.first_usable}, {"lastlba", table.last_usable}});
    return {{"partitiontable", std::move(json)}};
}

const char* const in_use_message =
    "This disk is currently in use - repartitioning is probably a bad idea.\n"
    "Umount all file systems, and swapoff all swap partitions on this disk.\n"
    "Use the --no-reread flag to suppress this check.\n\n"
    "sfdisk: Use the --force flag to overrule all checks.\n";

}  // namespace

std::string Programs::device_at(const Machine& machine, const std::string& path)
{
    const Result<std::string> real = machine.resolve(path);
    return real && real->starts_with("/dev/") ? real->substr(5) : "";
}

SimulatedStorage::Disk* Programs::disk_at(const Machine& machine, const std::string& path) const
{
    const auto found =
        std::ranges::find(storage_.disks_, device_at(machine, path), &SimulatedStorage::Disk::name);
    return found == storage_.disks_.end() ? nullptr : &*found;
}

void Programs::install(host::SimulatedHost& host) const
{
    using host::Command;
    const Programs programs = *this;
    const auto nothing = [](Machine&, const Command&) -> Result<Outcome> { return Outcome{}; };
    host.install("udevadm", nothing);
    host.install("mkdir", [](Machine& m, const Command& c) -> Result<Outcome> {
        // Mount points are seen when something is mounted there.
        if (c.argv.back().starts_with("/restore-points/")) m.put_folder(c.argv.back());
        return Outcome{};
    });
    host.install("rm", [](Machine& m, const Command& c) -> Result<Outcome> {
        m.erase(c.argv.back());
        return Outcome{};
    });
    host.install("lsblk",
                 [=](Machine& m, const Command& c) -> Result<Outcome> { return programs.lsblk(m, c.argv); });
    host.install("findmnt", [=](Machine&, const Command&) -> Result<Outcome> { return programs.findmnt(); });
    host.install("blkid",
                 [=](Machine& m, const Command& c) -> Result<Outcome> { return programs.blkid(m, c.argv); });
    host.install("sfdisk",
                 [=](Machine& m, const Command& c) -> Result<Outcome> { return programs.sfdisk(m, c); });
    host.install("blockdev", [=](Machine& m, const Command& c) -> Result<Outcome> {
        return programs.blockdev(m, c.argv);
    });
    host.install("dd",
                 [=](Machine& m, const Command& c) -> Result<Outcome> { return programs.dd(m, c.argv); });
    host.install("mke2fs",
                 [=](Machine& m, const Command& c) -> Result<Outcome> { return programs.mke2fs(m, c.argv); });
    host.install("dumpe2fs", [=](Machine& m, const Command& c) -> Result<Outcome> {
        return programs.dumpe2fs(m, c.argv);
    });
    host.install("resize2fs", [=](Machine& m, const Command& c) -> Result<Outcome> {
        return programs.resize2fs(m, c.argv);
    });
    host.install("mount",
                 [=](Machine& m, const Command& c) -> Result<Outcome> { return programs.mount(m, c.argv); });
    host.install("sysctl",
                 [=](Machine&, const Command& c) -> Result<Outcome> { return programs.sysctl(c.argv); });
    host.install("mdadm",
                 [=](Machine& m, const Command& c) -> Result<Outcome> { return programs.mdadm(m, c.argv); });
    host.install("timeout", [](Machine& machine, const Command& command) -> Result<Outcome> {
        const std::string& disk = command.argv.at(3);
        if (machine.resolve(disk.substr(3))) return Outcome{.exit_code = 124, .out = {}, .err = {}};
        return Outcome{.exit_code = 1, .out = {}, .err = "dd: failed to open\n"};
    });
    host.install("sleep", [=](Machine& m, const Command& c) -> Result<Outcome> {
        const Milliseconds span{1000 * std::stoll(c.argv.at(1))};
        m.wall += span;
        m.boot += span;
        programs.storage_.pass(m, span);
        return Outcome{};
    });
}

Json Programs::row_of(Machine& machine, const std::string& device) const
{
    Json row = {{"kname", device}, {"pkname", {}},   {"type", "disk"}, {"size", storage_.size_of(device)},
                {"model", {}},     {"serial", {}},   {"wwn", {}},      {"pttype", {}},
                {"ptuuid", {}},    {"parttype", {}}, {"partuuid", {}}, {"start", {}},
                {"log-sec", 512},  {"phy-sec", 512}, {"rota", false},  {"ro", false}};
    const storage::Content content = storage_.content(machine, device).value_or(storage::Content{});
    row.update({{"fstype", text_or_null(content.type)},
                {"uuid", text_or_null(content.uuid)},
                {"label", text_or_null(content.label)}});
    if (storage_.mirror(device) != nullptr) {
        row["type"] = storage_.mirror(device)->level;
        return row;
    }
    if (storage_.volume(device) != nullptr) {
        row["type"] = "lvm";
        return row;
    }
    const SimulatedStorage::Disk& disk = *storage_.disk_of(device);
    row["log-sec"] = row["phy-sec"] = disk.logical_sector;
    if (disk.name == device) {
        row.update({{"model", text_or_null(disk.model)},
                    {"serial", text_or_null(disk.serial)},
                    {"wwn", text_or_null(disk.wwn)},
                    {"pttype", text_or_null(disk.table)},
                    {"ptuuid", text_or_null(shown_id(disk.table_id))}});
        return row;
    }
    const auto& partition = *std::ranges::find(disk.partitions, device, &SimulatedStorage::Known::name);
    row.update({{"pkname", disk.name},
                {"type", "part"},
                {"partuuid", lower(partition.uuid)},
                {"parttype", shown_type(disk.table, partition.type)},
                {"start", partition.start}});
    return row;
}

host::Outcome Programs::lsblk(Machine& machine, const Arguments& argv) const
{
    std::vector<std::string> devices;
    if (!argv.back().starts_with("/")) {
        for (const SimulatedStorage::Mirror& array : storage_.mirrors_) devices.push_back(array.name);
        for (const SimulatedStorage::Volume& volume : storage_.volumes_) devices.push_back(volume.device);
        for (const SimulatedStorage::Disk& disk : storage_.disks_) {
            devices.push_back(disk.name);
            for (const auto& partition : disk.partitions) devices.push_back(partition.name);
        }
        std::ranges::sort(devices);
    } else {
        devices.push_back(device_at(machine, argv.back()));
        if (storage_.size_of(devices.front()) == 0)
            return {.exit_code = 32,
                    .out = {},
                    .err = fmt::format("lsblk: {}: not a block device\n", argv.back())};
    }
    Json rows = Json::array();
    for (const std::string& device : devices) rows.push_back(row_of(machine, device));
    return {.out = Json{{"blockdevices", std::move(rows)}}.dump(), .err = {}};
}

host::Outcome Programs::findmnt() const
{
    Json rows = {{{"maj:min", "0:17"}, {"target", "/"}, {"fstype", "overlay"}, {"options", "rw,relatime"}}};
    for (const SimulatedStorage::Mounted& mounted : storage_.mounts_)
        rows.push_back({{"maj:min", storage_.numbers_of(mounted.device)},
                        {"target", mounted.path},
                        {"fstype", "ext4"},
                        {"options", "rw,relatime"}});
    return {.out = Json{{"filesystems", std::move(rows)}}.dump(), .err = {}};
}

host::Outcome Programs::blkid(Machine& machine, const Arguments& argv) const
{
    const std::string& path = argv.back();
    const std::string device = device_at(machine, path);
    if (storage_.size_of(device) == 0) return {.exit_code = 2, .out = {}, .err = {}};
    if (argv.at(2) == "--offset") return blkid_at(machine, device, argv);
    std::string out;
    if (const auto content = storage_.content(machine, device)) {
        if (!content->label.empty()) out += "LABEL=" + content->label + "\n";
        out += "UUID=" + content->uuid + "\nTYPE=" + content->type + "\n";
    }
    if (const SimulatedStorage::Disk* disk = storage_.disk_of(device)) {
        if (disk->name == device && !disk->table.empty())
            out += fmt::format("PTUUID={}\nPTTYPE={}\n", shown_id(disk->table_id), disk->table);
        for (const auto& partition : disk->partitions) {
            if (partition.name == device)
                out += fmt::format("PART_ENTRY_SCHEME={}\nPART_ENTRY_UUID={}\nPART_ENTRY_NUMBER={}\n",
                                   disk->table, lower(partition.uuid), partition.number);
        }
    }
    if (out.empty()) return {.exit_code = 2, .out = {}, .err = {}};
    return {.out = fmt::format("DEVNAME={}\n{}", path, out), .err = {}};
}

/// blkid --probe --offset N --size M: what a partition at that place would hold.
host::Outcome Programs::blkid_at(Machine& machine, const std::string& device, const Arguments& argv) const
{
    Range place = storage_.range(machine, device);
    place.offset += std::stoull(argv.at(3));
    place.size = std::stoull(argv.at(5));
    if (superblock_on(place)) return {.out = "TYPE=linux_raid_member\n", .err = {}};
    const auto filesystem = filesystem_on(place);
    if (!filesystem) return {.exit_code = 2, .out = {}, .err = {}};
    return {.out = "TYPE=" + filesystem->type + "\n", .err = {}};
}

host::Outcome Programs::sfdisk(Machine& machine, const host::Command& command) const
{
    const std::string& path = command.argv.back();
    SimulatedStorage::Disk* disk = disk_at(machine, path);
    if (disk == nullptr)
        return {.exit_code = 1,
                .out = {},
                .err = fmt::format("sfdisk: cannot open {}: No such file or directory\n", path)};
    const bool dumps = command.argv.at(1) == "--dump";
    if (command.argv.at(1) != "--json" && !dumps) return write_table(machine, *disk, command);
    const auto table = table_on(storage_.range(machine, disk->name), disk->logical_sector);
    if (!table)
        return {.exit_code = 1,
                .out = {},
                .err = fmt::format("sfdisk: {}: does not contain a recognized partition table\n", path)};
    if (dumps)
        return {.out = "label: " + table->label + "\n" + json_of(*table, path).dump() + "\n", .err = {}};
    return {.out = json_of(*table, path).dump(), .err = {}};
}

host::Outcome Programs::write_table(Machine& machine, SimulatedStorage::Disk& disk,
                                    const host::Command& command) const
{
    const auto refuse = [](std::string why) {
        return Outcome{.exit_code = 1, .out = {}, .err = std::move(why)};
    };
    if (storage_.busy(disk.name)) return refuse(in_use_message);
    const Result<storage::PartitionTable> table =
        table_of_script(command.input, disk.size.count / disk.logical_sector, disk.logical_sector);
    if (!table) return refuse("sfdisk: " + table.error().what + "\n");
    simulated::write_table(storage_.range(machine, disk.name), *table);
    storage_.read_partitions(machine, disk);
    storage_.show(machine);
    return {};
}

host::Outcome Programs::blockdev(Machine& machine, const Arguments& argv) const
{
    if (argv.at(1) == "--flushbufs") {
        const auto is_gone = [&](const std::string& path) { return device_at(machine, path).empty(); };
        const auto gone = std::find_if(argv.begin() + 2, argv.end(), is_gone);
        if (gone == argv.end()) return {};
        return {.exit_code = 1, .out = {}, .err = fmt::format("blockdev: cannot open {}\n", *gone)};
    }
    SimulatedStorage::Disk* disk = disk_at(machine, argv.back());
    if (disk == nullptr)
        return {.exit_code = 1,
                .out = {},
                .err = fmt::format("blockdev: cannot open {}: No such file or directory\n", argv.back())};
    if (storage_.busy(disk->name))
        return {.exit_code = 1,
                .out = {},
                .err = "blockdev: ioctl error on BLKRRPART: Device or resource busy\n"};
    storage_.read_partitions(machine, *disk);
    storage_.show(machine);
    return {};
}

host::Outcome Programs::dd(Machine& machine, const Arguments& argv) const
{
    std::map<std::string, std::string> values;
    for (const std::string& argument : argv)
        values[argument.substr(0, argument.find('='))] = argument.substr(argument.find('=') + 1);
    const uint64_t block = std::stoull(values["bs"]);
    const Range range = storage_.range(machine, device_at(machine, values["if"]));
    return {.out = range.read(block * std::stoull(values["skip"]), block * std::stoull(values["count"])),
            .err = {}};
}

host::Outcome Programs::mke2fs(Machine& machine, const Arguments& argv) const
{
    storage::Content content{"ext4", "", ""};
    for (size_t i = 0; i + 1 < argv.size(); ++i) {
        if (argv[i] == "-L") content.label = argv[i + 1];
        if (argv[i] == "-U") content.uuid = argv[i + 1];
    }
    const std::string device = device_at(machine, argv.back());
    if (storage_.busy(device))
        return {
            .exit_code = 1,
            .out = {},
            .err = argv.back() + " is apparently in use by the system; will not make a filesystem here!\n"};
    if (const SimulatedStorage::Mirror* array = storage_.mirror(device)) {
        for (const SimulatedStorage::Leg& leg : array->members) {
            if (!leg.in_sync) continue;
            std::string bytes = storage_.read_data(machine, *array, leg, 0, array->data_size);
            write_filesystem({&bytes, 0, bytes.size()}, content, array->size());
            storage_.write_data(machine, *array, leg, 0, bytes);
        }
    } else {
        write_filesystem(storage_.range(machine, device), content, storage_.size_of(device));
    }
    return {};
}

/// The filesystem of an array, as its header tells.
host::Outcome Programs::dumpe2fs(Machine& machine, const Arguments& argv) const
{
    const SimulatedStorage::Mirror* array = storage_.mirror(device_at(machine, argv.back()));
    if (array == nullptr) return VolumePrograms(storage_).dumpe2fs(machine, argv);
    const auto leg = std::ranges::find_if(array->members, &SimulatedStorage::Leg::in_sync);
    std::string bytes = storage_.read_data(machine, *array, *leg, 0, array->data_size);
    constexpr uint64_t block = 1024;
    return {.out = fmt::format("Filesystem state:         clean\nBlock count:              {}\n"
                               "Block size:               {}\n",
                               filesystem_size_on({&bytes, 0, bytes.size()}) / block, block),
            .err = "dumpe2fs 1.47.0 (5-Feb-2023)\n"};
}

host::Outcome Programs::resize2fs(Machine& machine, const Arguments& argv) const
{
    const SimulatedStorage::Mirror* array = storage_.mirror(device_at(machine, argv.back()));
    if (array == nullptr) return VolumePrograms(storage_).resize2fs(machine, argv);
    for (const SimulatedStorage::Leg& leg : array->members) {
        if (!leg.in_sync) continue;
        std::string bytes = storage_.read_data(machine, *array, leg, 0, array->data_size);
        const Range range{&bytes, 0, bytes.size()};
        write_filesystem(range, *filesystem_on(range), array->size());
        storage_.write_data(machine, *array, leg, 0, bytes);
    }
    return {.out = {}, .err = "resize2fs 1.47.0 (5-Feb-2023)\n"};
}

host::Outcome Programs::mount(Machine& machine, const Arguments& argv) const
{
    const std::string device = device_at(machine, argv.at(1));
    if (!storage_.content(machine, device))
        return {.exit_code = 32, .out = {}, .err = fmt::format("mount: {}: wrong fs type\n", argv.at(2))};
    storage_.mounts_.push_back({device, argv.at(2)});
    storage_.show(machine);
    return {};
}

host::Outcome Programs::sysctl(const Arguments& argv) const
{
    std::string out;
    for (size_t i = 2; i < argv.size(); ++i) {
        const std::string name = argv[i].substr(0, argv[i].find('=')),
                          value = argv[i].substr(name.size() + 1);
        if (name == "dev.raid.speed_limit_max") storage_.speed_limit_ = std::stoull(value) << 10;
        out += fmt::format("{} = {}\n", name, value);
    }
    return {.out = out, .err = {}};
}

}  // namespace belay::simulated
