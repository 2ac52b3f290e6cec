// Whether each EFI system partition could start the machine: what is below EFI/ on it, against the one in
// use.

#include "storage/health_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

constexpr size_t most_named = 3;

bool is_loader(const FileDigest& file)
{
    return file.path.ends_with(".efi");
}

/// The folders below efi/, but for the one of last resort: "debian", "microsoft".
std::set<std::string> systems_of(const Esp& esp)
{
    std::set<std::string> systems;
    for (const FileDigest& file : esp.files) {
        const std::string_view rest = std::string_view(file.path).substr(std::string_view("efi/").size());
        const size_t slash = rest.find('/');
        if (slash != std::string_view::npos && rest.substr(0, slash) != "boot")
            systems.emplace(rest.substr(0, slash));
    }
    return systems;
}

/// Whether they are meant to start the same system: another one's ESP need not be like ours.
bool are_alike(const Esp& first, const Esp& other)
{
    const std::set<std::string> ours = systems_of(first), theirs = systems_of(other);
    return theirs.empty() ||
           std::ranges::any_of(theirs, [&](const std::string& system) { return ours.contains(system); });
}

/// What is on the first and not so on the other, as a person reads it; empty: nothing.
std::string what_is_stale(const Esp& first, const Esp& other)
{
    std::vector<std::string> differ;
    for (const FileDigest& file : first.files) {
        const auto same = std::ranges::find(other.files, file.path, &FileDigest::path);
        if (same == other.files.end())
            differ.push_back(file.path + " is not there");
        else if (same->digest != file.digest)
            differ.push_back(file.path + " is another one");
    }
    if (differ.size() <= most_named) return fmt::format("{}", fmt::join(differ, ", "));
    const size_t more = differ.size() - most_named;
    differ.resize(most_named);
    return fmt::format("{}, and {} more", fmt::join(differ, ", "), more);
}

class EspHealth {
  public:
    EspHealth(const Survey& survey, Findings& findings) : survey_(survey), findings_(findings) {}

    void look()
    {
        const Esp* first = in_use();
        for (const Esp& esp : survey_.esps) {
            const bool has_loader = std::ranges::any_of(esp.files, is_loader);
            if (!has_loader) {
                say(esp, "esp.no-loader", esp.formatted ? "no boot loader in it" : "it has no filesystem",
                    "EFI/BOOT/BOOTX64.EFI or the loader of a system", first);
            } else if (&esp != first && are_alike(*first, esp)) {
                const std::string stale = what_is_stale(*first, esp);
                if (!stale.empty())
                    say(esp, "esp.stale", stale, fmt::format("what is on /dev/{}", first->device), first);
            }
        }
    }

  private:
    /// The one that is kept up to date: that which is mounted, else the first with a loader.
    const Esp* in_use() const
    {
        const Esp* first = nullptr;
        for (const Esp& esp : survey_.esps) {
            if (!std::ranges::any_of(esp.files, is_loader)) continue;
            if (first == nullptr || (first->mounted.empty() && !esp.mounted.empty())) first = &esp;
        }
        return first;
    }

    void say(const Esp& esp, std::string code, std::string found, std::string wanted, const Esp* first)
    {
        const Disk* disk = disk_of(survey_.inventory, esp.device);
        const auto partition = std::ranges::find(disk->partitions, esp.device, &Partition::name);
        const bool has_twin = is_twin(*partition);
        const std::string path = partition->uuid.empty() || has_twin
                                     ? "/dev/" + esp.device
                                     : "/dev/disk/by-partuuid/" + partition->uuid;
        // A path by PARTUUID may lead to its twin: that must be mended before.
        std::string mend = has_twin ? fmt::format("sfdisk --part-uuid /dev/{} {} \"$(uuidgen)\"", disk->name,
                                                  partition->number)
                                    : way_to_mend(esp, path, first);
        findings_.push_back({std::move(code), Severity::warning, path,
                             fmt::format("ESP /dev/{} of {}", esp.device, shown(*disk)), std::move(found),
                             std::move(wanted), std::move(mend)});
    }

    bool is_twin(const Partition& one) const
    {
        return std::ranges::any_of(survey_.inventory.disks, [&](const Disk& disk) {
            return std::ranges::any_of(disk.partitions, [&](const Partition& other) {
                return other.uuid == one.uuid && other.name != one.name;
            });
        });
    }

    static std::string way_to_mend(const Esp& esp, const std::string& path, const Esp* first)
    {
        if (first == nullptr || first == &esp) return "grub-install --target=x86_64-efi";
        if (first->mounted.empty()) return fmt::format("mount /dev/{}, and look again", first->device);
        const std::string make = esp.formatted ? "" : fmt::format("mkfs.vfat -F 32 {} && ", path);
        // The one is for a copy that mirror.add-disk made, the other for one that nobody keeps in step.
        if (!esp.mounted.empty())
            return fmt::format("belay storage esp-sync, or: cp -r {}/EFI {}/", first->mounted, esp.mounted);
        return fmt::format("{}mount {} /mnt && cp -r {}/EFI /mnt/ && umount /mnt", make, path,
                           first->mounted);
    }

    const Survey& survey_;
    Findings& findings_;
};

}  // namespace

void find_in_esps(const Survey& survey, Findings& findings)
{
    EspHealth(survey, findings).look();
}

}  // namespace belay::storage
