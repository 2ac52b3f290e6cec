#include "simulated_boot.h"

#include "base/digest.h"
#include "simulated_volumes.h"
#include "storage/fstab.h"

namespace belay::simulated {
namespace {

using host::Command;
using host::Machine;
using host::Node;

host::Outcome complaint(std::string err, int exit_code)
{
    return {.exit_code = exit_code, .out = {}, .err = std::move(err)};
}

/// What follows a word; empty where it is not there.
std::string after(const std::vector<std::string>& argv, std::string_view word)
{
    const auto found = std::ranges::find(argv, word);
    return found == argv.end() || found + 1 == argv.end() ? "" : *(found + 1);
}

/// Lines of debconf's file, with what stands before and behind.
std::string debconf_with(const std::string& value)
{
    return fmt::format(
        "Name: grub-pc/hidden_timeout\nTemplate: grub-pc/hidden_timeout\nValue: true\nOwners: grub-pc\n\n"
        "Name: grub-pc/install_devices\nTemplate: grub-pc/install_devices\nValue: {}\nOwners: grub-pc\n"
        "Flags: seen\n\nName: grub-pc/install_devices_empty\nValue: false\nOwners: grub-pc\n",
        value);
}

std::string small_letters(std::string text)
{
    for (char& c : text) c = static_cast<char>(std::tolower(c));
    return text;
}

}  // namespace

std::string BootPrograms::device_at(const Machine& machine, const std::string& path)
{
    const Result<std::string> real = machine.resolve(path);
    return real && real->starts_with("/dev/") ? real->substr(5) : "";
}

void BootPrograms::install(host::SimulatedHost& host) const
{
    const BootPrograms boot = *this;
    const auto add = [&](const char* name, auto run) {
        host.install(name, [=](Machine& machine, const Command& command) -> Result<Outcome> {
            return run(boot, machine, command.argv);
        });
    };
    using Self = const BootPrograms&;
    add("mkdir", [](Self, Machine& m, const Arguments& a) { return make_folder(m, a); });
    add("rmdir", [](Self, Machine& m, const Arguments& a) { return remove_folder(m, a); });
    add("find", [](Self, Machine& m, const Arguments& a) { return digests(m, a); });
    add("mkfs.vfat", [](Self self, Machine& m, const Arguments& a) { return self.make_fat(m, a); });
    add("mount", [](Self self, Machine& m, const Arguments& a) { return self.mount(m, a); });
    add("umount", [](Self self, Machine& m, const Arguments& a) { return self.unmount(m, a); });
    add("findmnt", [](Self self, Machine& m, const Arguments& a) { return self.mounts(m, a); });
    add("cp", [](Self self, Machine& m, const Arguments& a) { return self.copy(m, a); });
    add("mv", [](Self self, Machine& m, const Arguments& a) { return self.move(m, a); });
    add("rm", [](Self self, Machine& m, const Arguments& a) { return self.remove_file(m, a); });
    add("sync", [](Self self, Machine& m, const Arguments& a) { return self.sync(m, a); });
    add("chmod", [](Self self, Machine& m, const Arguments& a) { return self.change_mode(m, a); });
    add("test", [](Self self, Machine& m, const Arguments& a) { return self.test(m, a); });
    add("sed", [](Self, Machine& m, const Arguments& a) { return answer(m, a); });
    add("efibootmgr", [](Self self, Machine& m, const Arguments& a) { return self.efibootmgr(m, a); });
    host.install("debconf-communicate", [](Machine& machine, const Command& command) -> Result<Outcome> {
        return debconf(machine, command.input);
    });
    add("grub-install", [](Self self, Machine& m, const Arguments& a) { return self.grub_install(m, a); });
}

// ---- folders and files

host::Outcome BootPrograms::make_folder(Machine& machine, const Arguments& argv)
{
    if (machine.find(argv.back()) == nullptr) machine.put_folder(argv.back());
    return {};
}

host::Outcome BootPrograms::remove_folder(Machine& machine, const Arguments& argv)
{
    const std::string& folder = argv.back();
    if (machine.find(folder) == nullptr)
        return complaint(fmt::format("rmdir: failed to remove '{}': No such file or directory\n", folder), 1);
    const auto next = machine.nodes.upper_bound(folder);
    if (next == machine.nodes.end() || !next->first.starts_with(folder + "/")) machine.erase(folder);
    return {};
}

/// find FOLDER ... -exec sha256sum
host::Outcome BootPrograms::digests(const Machine& machine, const Arguments& argv)
{
    const std::string& folder = argv.at(1);
    if (machine.find(folder) == nullptr)
        return complaint(fmt::format("find: '{}': No such file or directory\n", folder), 1);
    std::string out;
    for (const auto& [path, node] : machine.nodes) {
        if (path.starts_with(folder + "/") && node.kind == Node::Kind::file)
            out += fmt::format("{}  {}\n", sha256(node.bytes), path);
    }
    return {.out = out, .err = {}};
}

host::Outcome BootPrograms::copy(Machine& machine, const Arguments& argv) const
{
    const std::string &from = argv.at(argv.size() - 2), &to = argv.back();
    if (!from.ends_with("/.")) {
        const std::optional<std::string> text = machine.text(from);
        if (!text)
            return complaint(fmt::format("cp: cannot stat '{}': No such file or directory\n", from), 1);
        machine.put_file(to, *text);
        storage_.write_back(machine, to, false);
        return {};
    }
    const std::string folder = from.substr(0, from.size() - 1);
    std::map<std::string, std::string> files;
    for (const auto& [path, node] : machine.nodes) {
        if (path.starts_with(folder) && node.kind == Node::Kind::file)
            files[path.substr(folder.size())] = node.bytes;
    }
    for (const auto& [path, text] : files) machine.put_file(fmt::format("{}/{}", to, path), text);
    storage_.write_back(machine, to, false);
    return {};
}

host::Outcome BootPrograms::move(Machine& machine, const Arguments& argv) const
{
    const std::string &from = argv.at(argv.size() - 2), &to = argv.back();
    const std::optional<std::string> text = machine.text(from);
    if (!text) return complaint(fmt::format("mv: cannot stat '{}': No such file or directory\n", from), 1);
    machine.put_file(to, *text);
    machine.erase(from);
    storage_.write_back(machine, to, true);
    return {};
}

host::Outcome BootPrograms::remove_file(Machine& machine, const Arguments& argv) const
{
    machine.erase(argv.back());
    storage_.write_back(machine, argv.back(), true);
    return {};
}

host::Outcome BootPrograms::sync(Machine& machine, const Arguments& argv) const
{
    storage_.write_back(machine, argv.back(), true);
    return {};
}

host::Outcome BootPrograms::change_mode(Machine& machine, const Arguments& argv) const
{
    if (machine.find(argv.at(2)) == nullptr)
        return complaint(fmt::format("chmod: cannot access '{}': No such file or directory\n", argv.at(2)),
                         1);
    storage_.executables_.insert(argv.at(2));
    return {};
}

/// test -x FILE
host::Outcome BootPrograms::test(Machine& machine, const Arguments& argv) const
{
    const bool may = machine.find(argv.at(2)) != nullptr && storage_.executables_.contains(argv.at(2));
    return {.exit_code = may ? 0 : 1, .out = {}, .err = {}};
}

// ---- filesystems

host::Outcome BootPrograms::make_fat(Machine& machine, const Arguments& argv) const
{
    const std::string device = device_at(machine, argv.back());
    if (storage_.size_of(device) == 0)
        return complaint(
            fmt::format("mkfs.vfat: unable to open {}: No such file or directory\n", argv.back()), 1);
    if (storage_.in_use(device))
        return complaint(fmt::format("mkfs.vfat: {} contains a mounted filesystem.\n", argv.back()), 1);
    std::string id = after(argv, "-i");
    for (char& c : id) c = static_cast<char>(std::toupper(c));
    id.insert(4, "-");
    write_filesystem(storage_.range(machine, device), {"vfat", id, ""}, storage_.size_of(device));
    write_files(storage_.range(machine, device), {});
    return {.out = "mkfs.fat 4.2 (2021-01-31)\n", .err = {}};
}

host::Outcome BootPrograms::mount(Machine& machine, const Arguments& argv) const
{
    if (argv.at(1) == "-o" || argv.at(1) == "-t") return VolumePrograms(storage_).mount(machine, argv);
    const std::string& target = argv.back();
    std::string device;
    if (argv.size() > 2) {
        device = device_at(machine, argv.at(argv.size() - 2));
    } else {
        const auto line = storage_.fstab_line(machine, target);
        if (!line) return complaint(fmt::format("mount: {}: can't find in /etc/fstab.\n", target), 1);
        device = *line;
        if (device.empty()) return {};  // it may be missing: nofail
    }
    if (storage_.size_of(device) == 0)
        return complaint(
            fmt::format("mount: {}: special device {} does not exist.\n", target, argv.at(argv.size() - 2)),
            32);
    if (!storage_.content(machine, device))
        return complaint(fmt::format("mount: {}: wrong fs type, bad option, bad superblock\n", target), 32);
    const Node* folder = machine.find(target);
    const bool fat = storage_.content(machine, device)->type == "vfat";
    if (fat && (folder == nullptr || folder->kind != Node::Kind::folder))
        return complaint(fmt::format("mount: {}: mount point does not exist.\n", target), 32);
    storage_.mount(machine, device, target);
    storage_.show(machine);
    return {};
}

host::Outcome BootPrograms::unmount(Machine& machine, const Arguments& argv) const
{
    const std::string& target = argv.back();
    const auto found = std::ranges::find(storage_.mounts_, target, &SimulatedStorage::Mounted::path);
    if (found == storage_.mounts_.end())
        return complaint(fmt::format("umount: {}: not mounted.\n", target), 32);
    storage_.write_back(machine, target, true);
    machine.erase(target);
    machine.put_folder(target);
    storage_.mounts_.erase(found);
    storage_.show(machine);
    return {};
}

host::Outcome BootPrograms::mounts(Machine& machine, const Arguments& argv) const
{
    Json rows = Json::array();
    if (std::ranges::find(argv, "--tab-file") != argv.end()) {
        for (const storage::fstab::Line& line :
             storage::fstab::parse(machine.text("/etc/fstab").value_or(""))) {
            if (line.target == after(argv, "--mountpoint"))
                rows.push_back({{"source", line.spec},
                                {"target", line.target},
                                {"fstype", line.type},
                                {"options", fmt::format("{}", fmt::join(line.options, ","))}});
        }
        if (rows.empty()) return {.exit_code = 1, .out = {}, .err = {}};
        return {.out = Json{{"filesystems", std::move(rows)}}.dump(), .err = {}};
    }
    rows = {{{"maj:min", "0:17"}, {"target", "/"}, {"fstype", "overlay"}, {"options", "rw,relatime"}}};
    for (const SimulatedStorage::Mounted& mounted : storage_.mounts_)
        rows.push_back(
            {{"maj:min", storage_.numbers_of(mounted.device)},
             {"target", mounted.path},
             {"fstype",
              storage_.content(machine, mounted.device).value_or(storage::Content{"ext4", "", ""}).type},
             {"options", mounted.options}});
    return {.out = Json{{"filesystems", std::move(rows)}}.dump(), .err = {}};
}

// ---- firmware and boot code

std::string BootPrograms::listed_entries() const
{
    std::string out = fmt::format("BootCurrent: 0001\nTimeout: 0 seconds\nBootOrder: {}\n",
                                  fmt::join(storage_.firmware_->order, ","));
    for (const auto& [number, entry] : storage_.firmware_->entries)
        out += fmt::format("Boot{}* {}\t{}\n", number, entry.label, entry.path);
    return out;
}

host::Outcome BootPrograms::efibootmgr(Machine& machine, const Arguments& argv) const
{
    if (!storage_.firmware_) return complaint("EFI variables are not supported on this system.\n", 2);
    SimulatedStorage::Firmware& firmware = *storage_.firmware_;
    Outcome outcome;
    if (argv.at(1) == "--create-only") {
        outcome = create_entry(machine, argv);
    } else if (argv.at(1) == "--bootorder") {
        std::vector<std::string> order;
        for (size_t at = 0; at < argv.at(2).size(); at += 5) order.push_back(argv.at(2).substr(at, 4));
        for (const std::string& number : order) {
            if (!firmware.entries.contains(number))
                return complaint(fmt::format("Invalid BootOrder order entry value{}\n", argv.at(2)), 8);
        }
        firmware.order = order;
    } else if (argv.at(1) == "--delete-bootnum") {
        if (firmware.entries.erase(after(argv, "--bootnum")) == 0)
            return complaint("Could not delete variable: No such file or directory\n", 15);
        std::erase(firmware.order, after(argv, "--bootnum"));
    }
    storage_.show(machine);
    if (outcome.exit_code == 0) outcome.out = listed_entries();
    return outcome;
}

host::Outcome BootPrograms::create_entry(Machine& machine, const Arguments& argv) const
{
    SimulatedStorage::Firmware& firmware = *storage_.firmware_;
    const SimulatedStorage::Disk* disk = storage_.disk_of(device_at(machine, after(argv, "--disk")));
    if (disk == nullptr) return complaint("Could not prepare Boot variable: No such file or directory\n", 5);
    const auto partition = std::ranges::find(disk->partitions, std::stoull(after(argv, "--part")),
                                             &SimulatedStorage::Known::number);
    if (partition == disk->partitions.end())
        return complaint("Could not prepare Boot variable: No such file or directory\n", 5);
    int number = 0;
    while (firmware.entries.contains(fmt::format("{:04X}", number))) ++number;
    firmware.entries[fmt::format("{:04X}", number)] = {
        after(argv, "--label"),
        fmt::format("HD({},GPT,{},0x{:x},0x{:x})/File({})", partition->number, small_letters(partition->uuid),
                    partition->start, partition->size, after(argv, "--loader"))};
    return {};
}

/// One answer is all that is set here.
host::Outcome BootPrograms::debconf(Machine& machine, const std::string& input)
{
    constexpr std::string_view set = "set grub-pc/install_devices ";
    if (!input.starts_with(set)) return complaint("", 20);
    const std::string value = input.substr(set.size(), input.find('\n') - set.size());
    machine.put_file("/var/cache/debconf/config.dat", debconf_with(value));
    return {.out = "0 value set\n0 true\n", .err = {}};
}

/// sed -n '/^Name: QUESTION$/,/^$/p' FILE
host::Outcome BootPrograms::answer(const Machine& machine, const Arguments& argv)
{
    const std::string text = machine.text(argv.at(3)).value_or("");
    const size_t begin = text.find("Name: grub-pc/install_devices\n");
    if (begin == std::string::npos) return {};
    return {.out = text.substr(begin, text.find("\n\n", begin) + 2 - begin), .err = {}};
}

/// The rest of the boot code lies in sector 40, before the first partition.
host::Outcome BootPrograms::grub_install(Machine& machine, const Arguments& argv) const
{
    const SimulatedStorage::Disk* disk = storage_.disk_of(device_at(machine, argv.back()));
    if (disk == nullptr)
        return complaint(fmt::format("grub-install: error: cannot find a GRUB drive for {}.\n", argv.back()),
                         1);
    constexpr uint64_t rest_sector = 40;
    const Range range = storage_.range(machine, disk->name);
    range.write(rest_sector * 512, "the rest of GRUB");
    range.write(92, std::string(1, static_cast<char>(rest_sector)) + std::string(7, '\0'));
    range.write(0x180, "GRUB ");
    return complaint("Installing for i386-pc platform.\nInstallation finished. No error reported.\n", 0);
}

}  // namespace belay::simulated
