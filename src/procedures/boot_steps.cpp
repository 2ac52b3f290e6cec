#include "procedures/boot_steps.h"

#include "storage/boot_code.h"
#include "storage/disk.h"
#include "storage/esp.h"
#include "storage/grub_devices.h"
#include "storage/partition.h"
#include "storage/placed_file.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;
using operation::Question;
using operation::Step;

#ifdef __aarch64__
constexpr const char* loader_of_last_resort = "\\EFI\\BOOT\\BOOTAA64.EFI";
#else
constexpr const char* loader_of_last_resort = "\\EFI\\BOOT\\BOOTX64.EFI";
#endif

std::string lower(std::string text)
{
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return text;
}

class BootSteps {
  public:
    BootSteps(PlanBuilder& plan, const BootDisk& from, const Disk& to, BootAim aim)
        : plan_(plan), from_(from), to_(to), aim_(aim)
    {
    }

    /// For BIOS: after the mirrors are in sync, for grub-install looks for /boot on them.
    void start_by_bios()
    {
        plan_.check("boot.grub", "GRUB for BIOS can be installed", boot_code::can_install());
        done(plan_.activate("boot-code", fmt::format("install GRUB for BIOS on {}", shown(to_)),
                            boot_code::install(to_.by_id)));
        if (!from_.renewed_names.empty()) renew_by_package();
    }

    Result<void> start_by_efi(host::Host& host, const PartitionTable::Entry& entry, std::string_view random)
    {
        copy_ = {from_.source, partition::path_of(entry), from_.target};
        partuuid_ = lower(entry.uuid);
        const std::vector<std::string> loader = TRY(esp::loader_commands(host, copy_));
        Step& made = plan_.add("make-esp", fmt::format("make an EFI system partition on {}", shown(to_)),
                               esp::make(copy_.partition, esp::volume_id_of(random)));
        done(made);
        write_line();
        Step& filled = plan_.activate("fill-esp",
                                      fmt::format("copy {} to it, mounted on {}", copy_.source, copy_.target),
                                      esp::fill(copy_, loader));
        filled.expects = {esp::is_copy(copy_)};
        done(filled);
        if (from_.firmware) add_entry(entry.number);
        place_hooks();
        plan_.plan().topology.push_back(
            fmt::format("{}: a copy of {}, kept in step by hooks; {} starts the host alone", copy_.target,
                        copy_.source, shown(to_)));
        if (aim_ == BootAim::instead) let_go(loader);
        return {};
    }

  private:
    void done(Step& step)
    {
        step.member = to_.serial;
        step.identity = {disk::is(to_)};
    }

    /// A name that leads nowhere would make the next upgrade of grub-pc fail.
    void renew_by_package()
    {
        using namespace grub_devices;
        operation::Plan& plan = plan_.plan();
        plan.locks.push_back(fmt::format("file:{}", path));
        plan.fingerprints.push_back(fingerprint());
        const Edit joins{{to_.by_id}, {}};
        Step& step = plan_.activate("grub-devices", "let grub-pc renew GRUB on it at every upgrade",
                                    change(from_.renewed, joins));
        step.expects = {names(to_.by_id)};
        done(step);
        const Edit leaves{{}, aim_ == BootAim::instead ? from_.renewed_names : from_.renewed_gone};
        if (aim_ == BootAim::beside || leaves.drop.empty()) return;
        Step& last =
            plan_.commit("drop-grub-device", fmt::format("grub-pc forgets {}", fmt::join(leaves.drop, ", ")),
                         change(edited(from_.renewed, joins), leaves));
        last.expects = {names(to_.by_id)};
        done(last);
    }

    std::string spec() const { return "PARTUUID=" + partuuid_; }

    std::string line(const std::string& target, std::string_view mark) const
    {
        return fmt::format("{} {} vfat {},nofail{}{} 0 2", spec(), target, esp::mount_options,
                           mark.empty() ? "" : ",", mark);
    }

    /// Without nofail on both lines a host that has lost one of the disks would stop in its emergency shell.
    void write_line()
    {
        std::vector<fstab::Edit> edits;
        if (from_.line_of(copy_.source) != nullptr)
            edits.push_back({fstab::Edit::Kind::add_option, copy_.source, "nofail"});
        edits.push_back({fstab::Edit::Kind::append, copy_.target, line(copy_.target, fstab::copy_mark)});
        Step& step = plan_.activate(
            "fstab", fmt::format("mount it on {} at every boot, and let no boot wait for it", copy_.target),
            fstab::edit(edits));
        step.expects = {fstab::mounts(spec(), copy_.target)};
        done(step);
    }

    void add_entry(uint64_t number)
    {
        const std::vector<efi::Entry> theirs = from_.firmware->of(lower(from_.esp->uuid));
        std::string label = theirs.empty() ? "Linux" : theirs.front().label;
        label.resize(std::min(label.size(), label.find(" (")));
        const bool named = !theirs.empty() && !theirs.front().loader.empty();
        const efi::Start start{to_.by_id, number, partuuid_, fmt::format("{} ({})", label, to_.serial),
                               named ? theirs.front().loader : loader_of_last_resort};
        Step& step = plan_.activate("boot-entry", "tell the firmware to start from it, after all others",
                                    efi::add_entry(start, *from_.firmware));
        step.expects = {efi::has_entry(partuuid_)};
        done(step);
    }

    void place_hooks()
    {
        for (const BootHook& hook : boot_hooks()) {
            if (std::ranges::find(from_.hook_folders, hook.folder) == from_.hook_folders.end()) continue;
            const std::string when = hook.folder.substr(hook.folder.rfind('/') + 1) == "postinst.d" ? "kernel"
                                     : hook.executable ? "kernel-removed"
                                                       : "packages";
            plan_.activate("hook-" + when,
                           fmt::format("keep the copies in step: {}/{}", hook.folder, hook.name),
                           storage::place({fmt::format("{}/{}", hook.folder, hook.name),
                                           std::string(hook.text), hook.executable}));
        }
    }

    /// In commit: the copy takes the place of what it was made from.
    void let_go(const std::vector<std::string>& loader)
    {
        Step& again = plan_.commit("refresh-esp", fmt::format("bring {} up to date once more", copy_.target),
                                   esp::fill(copy_, loader));
        again.expects = {esp::is_copy(copy_)};
        done(again);
        if (!from_.mounted.empty()) {
            std::vector<fstab::Edit> edits = {{fstab::Edit::Kind::drop, copy_.target}};
            if (from_.line_of(from_.mounted) != nullptr)
                edits.push_back({fstab::Edit::Kind::set_spec, from_.mounted, spec()});
            else
                edits.push_back({fstab::Edit::Kind::append, from_.mounted, line(from_.mounted, "")});
            Step& lines =
                plan_.commit("switch-fstab", fmt::format("mount it on {} at every boot", from_.mounted),
                             fstab::edit(edits));
            lines.expects = {fstab::mounts(spec(), from_.mounted)};
            done(lines);
            Step& step = plan_.commit("switch-esp", fmt::format("mount it on {} now", from_.mounted),
                                      esp::take_place(copy_, from_.mounted));
            step.expects = {esp::is_mounted(copy_.partition, from_.mounted)};
            step.one_way = fmt::format("from here on {} is no longer kept up to date on {}", from_.mounted,
                                       shown(from_.disk));
            done(step);
        }
        const std::string theirs = lower(from_.esp->uuid);
        if (from_.firmware && !from_.firmware->of(theirs).empty()) {
            Step& step =
                plan_.commit("drop-boot-entry", fmt::format("the firmware forgets {}", shown(from_.disk)),
                             efi::remove_entries(theirs, *from_.firmware));
            step.one_way = fmt::format("the firmware no longer starts from {}", shown(from_.disk));
            done(step);
        }
    }

    PlanBuilder& plan_;
    const BootDisk& from_;
    const Disk& to_;
    BootAim aim_;
    esp::Copy copy_;
    std::string partuuid_;
};

}  // namespace

Result<void> append_boot_steps(PlanBuilder& plan, host::Host& host, const BootDisk& from, const Disk& to,
                               const PartitionTable& table, BootAim aim, std::string_view random)
{
    BootSteps steps(plan, from, to, aim);
    if (from.esp) {
        const auto entry = std::ranges::find_if(
            table.entries, [](const PartitionTable::Entry& one) { return esp::is_esp(one.type); });
        if (entry == table.entries.end())
            return fail(ErrorKind::refused,
                        fmt::format("{} has an EFI system partition, and the table for {} has none",
                                    shown(from.disk), shown(to)),
                        "belay storage show");
        TRY(steps.start_by_efi(host, *entry, random));
    }
    if (from.bios_code) steps.start_by_bios();
    if (from.foreign_code)
        plan.plan().topology.push_back(fmt::format(
            "{}: its boot code for BIOS is not GRUB's and is not copied to {}", shown(from.disk), shown(to)));
    return {};
}

}  // namespace belay::procedures
