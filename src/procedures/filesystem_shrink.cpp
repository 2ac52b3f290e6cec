#include "procedures/filesystem_shrink.h"

#include "operation/plan_builder.h"
#include "storage/device.h"
#include "storage/growable.h"
#include "storage/mounting.h"
#include "storage/mounts.h"
#include "storage/probe.h"
#include "storage/shrink.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;
using operation::Step;
using ShrinkAsk = std::map<std::string, std::string>;

/// All that a plan is made of.
struct Shrinking {
    std::string device;
    shrink::LogicalVolume volume;
    shrink::Filesystem filesystem;
    std::vector<mounting::Mounted> mounts;  ///< at most one
    Bytes size;
    data_point::Source source;
    std::string lock;  ///< beside the filesystem's own
};

/// A device, or where it is mounted. LVM knows its volumes by their names, and not as /dev/dm-0.
Result<std::string> device_of(host::Host& machine, const std::string& said)
{
    const std::optional<std::string> mounted = TRY(mounted_on(machine, said));
    const std::string name = mounted ? *mounted : TRY(device_at(machine, said));
    if (!name.starts_with("dm-")) return "/dev/" + name;
    const std::string mapped = TRY(machine.read(fmt::format("/sys/class/block/{}/dm/name", name)));
    return "/dev/mapper/" + mapped.substr(0, mapped.find('\n'));
}

Result<std::string> kept_in(host::Host& machine, const ShrinkAsk& ask, const std::string& device)
{
    const auto keep = ask.find("keep-in");
    if (keep == ask.end() || keep->second.empty()) return std::string(operation::own_folder);
    const host::Outcome found = TRY(host::run_checked(
        machine, {.argv = {"findmnt", "--noheadings", "--output", "SOURCE", "--target", keep->second}}));
    const std::string where = found.out.substr(0, found.out.find('\n'));
    const std::optional<std::string> there =
        where.starts_with("/dev/") ? TRY(device_if_there(machine, where)) : std::nullopt;
    if (there == TRY(device_at(machine, device)))
        return fail(ErrorKind::usage, fmt::format("{} is on the filesystem that is to shrink", keep->second),
                    "name a folder on another one with --keep-in");
    return keep->second + std::string(operation::own_folder);
}

/// What is no logical volume by a path that lasts while there is no filesystem on it.
Result<void> name_for_good(host::Host& machine, Shrinking& all)
{
    const Inventory host = TRY(read_inventory(machine));
    if (const auto* array = host.array_named(TRY(device_at(machine, all.device)))) {
        all.device = array->path;
        all.lock = "md:" + array->uuid;
        return {};
    }
    const Device device = TRY(device_named(host, all.device));
    all.device = device.path;
    all.lock = "disk:" + device.disk.by_id;
    return {};
}

Result<Shrinking> find_shrinking(host::Host& machine, const ShrinkAsk& ask)
{
    Shrinking all;
    all.device = TRY(device_of(machine, ask.at("filesystem")));
    all.volume = TRY(shrink::read_volume(machine, all.device));
    if (!all.volume.name.empty()) all.device = "/dev/" + all.volume.name;
    const Content content = TRY(read_content(machine, all.device));
    if (content.type != "ext2" && content.type != "ext3" && content.type != "ext4")
        return fail(ErrorKind::refused,
                    fmt::format("{} holds {}: only ext2, ext3 and ext4 can become smaller", all.device,
                                content.type.empty() ? "no filesystem" : content.type),
                    "belay storage show");
    if (all.volume.name.empty()) TRY(name_for_good(machine, all));
    all.filesystem = TRY(shrink::read_filesystem(machine, all.device, content));
    if (!all.volume.name.empty() && all.volume.kind != "linear" && all.volume.kind != "striped")
        return fail(ErrorKind::refused,
                    fmt::format("{} is a volume of the kind {}; linear and striped ones are reduced",
                                all.volume.name, all.volume.kind),
                    "lvs -a -o +segtype");
    const uint64_t unit = std::max<uint64_t>(all.volume.extent.count, 4096);
    all.size = TRY(parse_bytes(ask.at("size")));
    all.size.count = (all.size.count + unit - 1) / unit * unit;
    if (all.size >= all.filesystem.size)
        return fail(ErrorKind::usage,
                    fmt::format("the filesystem on {} has {}, and {} is no less", all.device,
                                to_text(all.filesystem.size), to_text(all.size)),
                    "a smaller --size");
    const std::string name = TRY(device_at(machine, all.device));
    for (const Mount& mount : TRY(read_mounts(machine)))
        if (mount.device == name) all.mounts.push_back({all.device, mount.path, mount.type, mount.options});
    if (all.mounts.size() > 1)
        return fail(
            ErrorKind::refused,
            fmt::format("{} is mounted on {} and on {}", all.device, all.mounts[0].path, all.mounts[1].path),
            "umount " + all.mounts[1].path);
    const std::string folder = TRY(kept_in(machine, ask, all.device));
    all.source = {all.device, folder};
    return all;
}

void append_shrink_checks(PlanBuilder& plan, const Shrinking& all)
{
    plan.check("filesystem.same", "the filesystem is the one that was named",
               shrink::is_same(all.device, all.volume));
    plan.check("filesystem.fits", "what is on it fits into the new size", shrink::fits(all.device, all.size));
    const std::string mount = all.mounts.empty() ? "" : all.mounts.front().path;
    plan.check("filesystem.sound", "the filesystem is sound",
               growable::is_sound({all.device, all.filesystem.type, mount}));
    for (const mounting::Mounted& mounted : all.mounts)
        plan.check("filesystem.idle", "nothing keeps it from being unmounted", mounting::is_idle(mounted));
}

void append_shrink_steps(PlanBuilder& plan, const Shrinking& all)
{
    const operation::Question same = shrink::is_same(all.device, all.volume);
    for (const mounting::Mounted& mounted : all.mounts)
        plan.activate("unmount", "unmount it", mounting::take_away(mounted)).identity = {same};
    plan.activate("check", "check it", shrink::check(all.device)).identity = {same};
    Step& save = plan.activate(
        "save", fmt::format("save its {} in use, and read them back", to_text(all.filesystem.used)),
        data_point::keep(all.source));
    save.identity = {same};
    Step& smaller = plan.activate("shrink", fmt::format("make it {} large", to_text(all.size)),
                                  shrink::shrink(all.source, all.filesystem.size, all.size));
    smaller.identity = {same};
    const operation::Act back = data_point::put_back(all.source);
    smaller.restore =
        operation::Restore{"save", back.action, back.arguments, {data_point::proof(all.source)}};
    if (!all.volume.name.empty())
        plan.activate("reduce",
                      fmt::format("give {} of its volume back to the volume group {}",
                                  to_text(Bytes{all.volume.size.count - all.size.count}), all.volume.group),
                      shrink::reduce(all.volume, all.device, all.size))
            .identity = {same};
    plan.activate("compare", "look whether all files are as they were saved",
                  data_point::compare_tree(all.source))
        .identity = {same};
    for (const mounting::Mounted& mounted : all.mounts) {
        plan.activate("mount", "mount it read-only, until commit", mounting::give_read_only(mounted))
            .identity = {same};
        if (!mounted.is_read_only())
            plan.commit("let-write", "let it be written again", mounting::let_write(mounted)).identity = {
                same};
    }
}

Result<operation::Plan> make_shrinking(host::Host& machine, const ShrinkAsk& ask)
{
    const Shrinking all = TRY(find_shrinking(machine, ask));
    PlanBuilder plan("filesystem.shrink",
                     fmt::format("Make the filesystem on {} smaller: {} instead of {}", all.device,
                                 to_text(all.size), to_text(all.filesystem.size)),
                     {{"filesystem", all.device}, {"size", all.size.count}});
    append_shrink_checks(plan, all);
    append_shrink_steps(plan, all);
    operation::Plan& whole = plan.plan();
    whole.locks = {"filesystem:" + all.filesystem.uuid};
    whole.locks.push_back(all.volume.name.empty() ? all.lock : "lvm:" + all.volume.group);
    whole.fingerprints = {shrink::fingerprint(all.device)};
    constexpr uint64_t beside = 32 << 20;
    whole.room.push_back({all.source.folder, Bytes{all.filesystem.used.count + beside}});
    whole.keeps = {all.source.folder};
    whole.topology = {fmt::format("{}: {}{}", all.device, to_text(all.size),
                                  all.mounts.empty() ? "" : ", read-only until commit")};
    whole.left_by_abort = {
        fmt::format("the free blocks of {}: they are zeros after a restore", all.device),
        "what is written after a boot that mounts it by itself: it is saved with the tag before-restore"};
    return plan.build();
}

}  // namespace

Procedure filesystem_shrink()
{
    return {
        .name = "filesystem.shrink",
        .summary = "make an ext filesystem smaller, and its logical volume",
        .description =
            "Unmounts an ext2, ext3 or ext4 filesystem, checks it, saves what is in use of it as an image in "
            "a "
            "repository of restic's format, reads that back, and makes the filesystem smaller; a linear or "
            "striped logical volume under it gives its extents back. Every file is held against what was "
            "saved before it is mounted again: read-only until commit, so that going back loses nothing. "
            "resize2fs moves blocks and survives no power cut, so abort restores the image, and proves it "
            "bit by bit. What was saved stays until belay clean.",
        .source = "resize2fs(8), e2fsck(8), lvreduce(8)",
        .arguments = {{"filesystem", "its device, or where it is mounted", "/dev/vg/data", true},
                      {"size", "that it is to have", "20GiB", true},
                      {"keep-in",
                       "a folder on another filesystem for what is saved; not given: beside Belay's "
                       "journal",
                       "/srv/backup", false}},
        .make = make_shrinking};
}

}  // namespace belay::procedures
