#include "storage/esp_sync.h"

#include "storage/boot_disk.h"
#include "storage/esp.h"
#include "storage/esp_tree.h"
#include "storage/fstab.h"
#include "storage/mounts.h"
#include "storage/probe.h"

#include <nlohmann/json.hpp>

namespace belay::storage::esp {
namespace {

using State = SyncedCopy::State;

/// Left by file checks and by Windows: of no boot loader.
bool is_nobodys(std::string_view path)
{
    return (path.starts_with("fsck") && path.ends_with(".rec")) ||
           path.starts_with("system volume information/");
}

Result<void> change(host::Host& host, std::vector<std::string> argv)
{
    TRY(run_checked(
        host, {.argv = std::move(argv), .effect = host::Effect::changes, .limit = std::chrono::minutes(5)}));
    return {};
}

/// At every moment the old file or the new one is there, whole.
Result<void> replace_file(host::Host& host, const std::string& from, const std::string& to)
{
    const size_t slash = to.rfind('/');
    const std::string folder = to.substr(0, slash);
    const std::string beside = fmt::format("{}/.{}.belay", folder, to.substr(slash + 1));
    TRY(change(host, {"mkdir", "--parents", folder}));
    TRY(change(host, {"cp", "--preserve=timestamps", from, beside}));
    TRY(change(host, {"sync", beside}));
    return change(host, {"mv", "--force", beside, to});
}

Result<void> write_changes(host::Host& host, const std::string& source, const std::string& target,
                           const WantedTree& wanted, const Tree& copy)
{
    for (const auto& [key, file] : wanted) {
        const auto found = copy.find(key);
        if (found != copy.end() && found->second.digest == file.from.digest) continue;
        // A file that is there keeps the case of its name: FAT would keep it in any case.
        const std::string& path = found == copy.end() ? file.path : found->second.path;
        TRY(replace_file(host, fmt::format("{}/{}", source, file.from.path),
                         fmt::format("{}/{}", target, path)));
    }
    for (const auto& [key, file] : copy) {
        if (!wanted.contains(key) && !is_nobodys(key))
            TRY(change(host, {"rm", "--force", fmt::format("{}/{}", target, file.path)}));
    }
    return change(host, {"sync", "--file-system", target});
}

std::vector<std::string> changes_of(const WantedTree& wanted, const Tree& copy)
{
    std::vector<std::string> changes = differences(wanted, copy);
    for (const auto& [key, file] : copy) {
        if (!wanted.contains(key) && !is_nobodys(key))
            changes.push_back(fmt::format("{} is no longer wanted", file.path));
    }
    return changes;
}

/// The partition that a line of /etc/fstab names; nothing where it is not there.
Result<std::optional<std::string>> device_of(host::Host& host, const std::string& spec)
{
    const size_t equals = spec.find('=');
    const std::string tag = spec.substr(0, equals);
    if (equals == std::string::npos) return device_if_there(host, spec);
    std::string value = spec.substr(equals + 1);
    std::erase(value, '"');
    const std::map<std::string, std::string> folders = {
        {"UUID", "uuid"}, {"PARTUUID", "partuuid"}, {"LABEL", "label"}, {"PARTLABEL", "partlabel"}};
    const auto folder = folders.find(tag);
    if (folder == folders.end())
        return fail(ErrorKind::refused, fmt::format("nobody knows which partition {} is", spec),
                    fmt::format("name it by PARTUUID in {}", fstab::path));
    return device_if_there(host, fmt::format("/dev/disk/by-{}/{}", folder->second, value));
}

Result<bool> is_system_partition(host::Host& host, const std::string& device)
{
    const Inventory inventory = TRY(read_inventory(host));
    for (const Disk& disk : inventory.disks) {
        for (const Partition& partition : disk.partitions) {
            if (partition.name == device) return is_esp(partition.type);
        }
    }
    return false;
}

/// Fills in `copy`; an Error is what went wrong with it.
Result<void> sync_one(host::Host& host, const std::string& source, const WantedTree& wanted, SyncMode mode,
                      SyncedCopy& copy)
{
    const std::optional<std::string> device = TRY(device_of(host, copy.spec));
    if (!device) {
        copy.state = State::missing;
        return {};
    }
    if (!TRY(is_system_partition(host, *device)))
        return fail(ErrorKind::refused, fmt::format("/dev/{} is no EFI system partition", *device));
    if (TRY(mounted_on(host, source)) == device)
        return fail(ErrorKind::refused, fmt::format("/dev/{} is what is copied from", *device));
    std::optional<std::string> mounted = TRY(mounted_on(host, copy.target));
    if (!mounted && mode == SyncMode::look)
        return fail(ErrorKind::refused, "it is not mounted", "mount " + copy.target);
    if (!mounted) {
        TRY(change(host, {"mkdir", "--parents", copy.target}));
        TRY(change(host, {"mount", copy.target}));
        mounted = TRY(mounted_on(host, copy.target));
    }
    if (mounted != device)
        return fail(ErrorKind::refused,
                    fmt::format("/dev/{} is mounted on {}", mounted.value_or("nothing"), copy.target));
    const Tree found = TRY(read_tree(host, copy.target));
    copy.changes = changes_of(wanted, found);
    if (copy.changes.empty()) return {};
    copy.state = State::updated;
    if (mode == SyncMode::look) return {};
    TRY(write_changes(host, source, copy.target, wanted, found));
    if (changes_of(wanted, TRY(read_tree(host, copy.target))).empty()) return {};
    return fail(ErrorKind::failed, "it differs still: somebody else writes there");
}

}  // namespace

bool SyncReport::whole() const
{
    return std::ranges::all_of(copies, [](const SyncedCopy& copy) {
        return copy.state == State::alike || copy.state == State::updated;
    });
}

std::string_view name_of(State state)
{
    constexpr std::string_view names[] = {"alike", "updated", "missing", "failed"};
    return names[static_cast<size_t>(state)];
}

Result<SyncReport> sync_copies(host::Host& host, SyncMode mode)
{
    SyncReport report;
    const Result<std::string> text = host.read(fstab::path);
    if (!text && text.error().kind == ErrorKind::not_found) return report;
    if (!text) return std::unexpected(text.error());
    const std::vector<fstab::Line> lines = fstab::parse(*text);
    for (const fstab::Line& line : lines) {
        if (line.has(fstab::copy_mark))
            report.copies.push_back(
                {.state = {}, .target = line.target, .spec = line.spec, .changes = {}, .problem = {}});
    }
    if (report.copies.empty()) return report;
    const Inventory inventory = TRY(read_inventory(host));
    const std::optional<std::string> source = serving_esp(inventory, lines);
    if (!source)
        return fail(ErrorKind::not_found, "no EFI system partition is mounted to copy from",
                    "mount /boot/efi");
    report.source = *source;
    const WantedTree wanted = wanted_copy(TRY(read_tree(host, report.source)));
    if (wanted.empty())
        return fail(
            ErrorKind::refused,
            fmt::format("{} is empty, and an empty EFI system partition is not copied", report.source),
            "grub-install, or restore it");
    for (SyncedCopy& copy : report.copies) {
        const Result<void> done = sync_one(host, report.source, wanted, mode, copy);
        if (done) continue;
        copy.state = State::failed;
        copy.problem = done.error().what;
    }
    return report;
}

nlohmann::json json_of(const SyncReport& report)
{
    nlohmann::json copies = nlohmann::json::array();
    for (const SyncedCopy& copy : report.copies)
        copies.push_back({{"target", copy.target},
                          {"spec", copy.spec},
                          {"state", name_of(copy.state)},
                          {"changes", copy.changes},
                          {"problem", copy.problem}});
    return {{"source", report.source}, {"in_step", report.whole()}, {"copies", std::move(copies)}};
}

}  // namespace belay::storage::esp
