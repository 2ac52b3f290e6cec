#include "simulated_volumes.h"

namespace belay::simulated {

using host::Machine;

namespace {

constexpr const char* e2fsprogs_version = " 1.47.0 (5-Feb-2023)\n";

host::Outcome refusal(int code, std::string text)
{
    return {.exit_code = code, .out = {}, .err = std::move(text)};
}

std::string bad_magic(const std::string& program, const std::string& path)
{
    return fmt::format("{}: Bad magic number in super-block while trying to open {}\n", program, path);
}

std::string value_behind(const std::vector<std::string>& argv, std::string_view option)
{
    const auto found = std::ranges::find(argv, option);
    return found == argv.end() || found + 1 == argv.end() ? "" : *(found + 1);
}

std::string text_of_mount(const std::string& options)
{
    return options.find("relatime") == std::string::npos ? options + ",relatime" : options;
}

bool is_to_be_written(const std::string& options)
{
    return (',' + options + ',').find(",ro,") == std::string::npos;
}

}  // namespace

std::string VolumePrograms::device_at(const Machine& machine, const std::string& path)
{
    const Result<std::string> real = machine.resolve(path);
    return real && real->starts_with("/dev/") ? real->substr(5) : "";
}

bool VolumePrograms::is_mounted(const std::string& device) const
{
    return std::ranges::find(storage_.mounts_, device, &SimulatedStorage::Mounted::device) !=
           storage_.mounts_.end();
}

void VolumePrograms::install(host::SimulatedHost& host) const
{
    const VolumePrograms programs = *this;
    using Run = host::Outcome (VolumePrograms::*)(Machine&, const Arguments&) const;
    const auto add = [&](const char* name, Run run) {
        host.install(name,
                     [programs, run](Machine& machine, const host::Command& command) -> Result<Outcome> {
                         return (programs.*run)(machine, command.argv);
                     });
    };
    add("e2fsck", &VolumePrograms::e2fsck);
    add("lvm", &VolumePrograms::lvm);
    add("belay", &VolumePrograms::backup);
    add("rm", &VolumePrograms::remove);
    // Nobody has a file open.
    host.install("fuser", [](Machine&, const host::Command&) -> Result<Outcome> { return refusal(1, ""); });
}

// ---- what tests do and see

void SimulatedStorage::make_volume(const std::string& physical, const std::string& group,
                                   const std::string& name, Bytes size)
{
    stacked_.emplace_back(physical, fmt::format("dm-{}", volumes_.size()));
    volumes_.push_back({stacked_.back().second, physical, group, name, size.count});
    host_.change([&](Machine& machine) {
        machine.put_device("/dev/" + volumes_.back().device, size);
        show(machine);
    });
}

const SimulatedStorage::Volume* SimulatedStorage::volume(const std::string& device) const
{
    const auto found = std::ranges::find(volumes_, device, &Volume::device);
    return found == volumes_.end() ? nullptr : &*found;
}

void SimulatedStorage::power_cut_in(const host::Command& command, Milliseconds off)
{
    static const std::set<std::string> take_long = {"resize2fs", "belay", "rm"};
    cut_short_ = true;
    if (take_long.contains(command.argv.front())) static_cast<void>(host_.run(command));
    cut_short_ = false;
    host_.power_cut(off);
}

std::string SimulatedStorage::bytes_of(const std::string& device) const
{
    std::string bytes;
    host_.look([&](const Machine& machine) {
        const Range all = range(const_cast<Machine&>(machine), device);
        bytes = all.read(0, all.size);
    });
    return bytes;
}

std::vector<std::string> SimulatedStorage::mounted() const
{
    std::vector<std::string> all;
    for (const Mounted& one : mounts_)
        all.push_back(fmt::format("{} on {} {}", one.device, one.path, one.options));
    return all;
}

bool SimulatedStorage::write_file(const std::string& path, const std::string& name, const std::string& bytes)
{
    const auto found = std::ranges::find(mounts_, path, &Mounted::path);
    if (found == mounts_.end() || !is_to_be_written(found->options)) return false;
    bool written = false;
    host_.change([&](Machine& machine) {
        const Range all = range(machine, found->device);
        auto ext = ext_on(all);
        written = ext && add_ext_file(all, *ext, name, bytes);
    });
    return written;
}

// ---- e2fsprogs

host::Outcome VolumePrograms::dumpe2fs(Machine& machine, const Arguments& argv) const
{
    const std::string device = device_at(machine, argv.back());
    const auto ext = device.empty() ? std::nullopt : ext_on(storage_.range(machine, device));
    const std::string version = fmt::format("dumpe2fs{}", e2fsprogs_version);
    if (!ext)
        return {.exit_code = 19,
                .out = "Couldn't find valid filesystem superblock.\n",
                .err = version + bad_magic("dumpe2fs", argv.back())};
    return {.out = fmt::format("Filesystem state:         {}\n"
                               "Block count:              {}\n"
                               "Free blocks:              {}\n"
                               "Block size:               {}\n"
                               "Last mount time:          {}\n"
                               "Mount count:              {}\n",
                               ext->errors ? "clean with errors" : "clean", ext->blocks,
                               ext->blocks - ext->used().size(), Ext::block,
                               ext->mounted_at == 0 ? "n/a" : fmt::format("{}", ext->mounted_at),
                               ext->mount_count),
            .err = version};
}

host::Outcome VolumePrograms::e2fsck(Machine& machine, const Arguments& argv) const
{
    const std::string device = device_at(machine, argv.back());
    if (is_mounted(device))
        return refusal(8, fmt::format("{} is mounted.\ne2fsck: Cannot continue, aborting.\n", argv.back()));
    const Range range = storage_.range(machine, device);
    auto ext = ext_on(range);
    if (!ext) return refusal(8, bad_magic("e2fsck", argv.back()));
    const bool cut_off = ext->blocks * Ext::block > range.size;
    if (cut_off || (ext->errors && storage_.settings_.preen_refuses)) {
        ext->errors = true;
        write_ext(range, *ext);
        return refusal(4, fmt::format("\n\n{}: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.\n"
                                      "\t(i.e., without -a or -p options)\n",
                                      argv.back()));
    }
    const int mended = ext->errors ? 1 : 0;
    ext->errors = false;  // by guessing: what was half copied stays so
    ext->checked = true;
    ext->mount_count = 0;
    write_ext(range, *ext);
    return {.exit_code = mended,
            .out = fmt::format("{}: {}/{} files (0.0% non-contiguous), {}/{} blocks\n", argv.back(),
                               ext->files.size(), ext->blocks, ext->used().size(), ext->blocks),
            .err = {}};
}

host::Outcome VolumePrograms::resize2fs(Machine& machine, const Arguments& argv) const
{
    const std::string version = fmt::format("resize2fs{}", e2fsprogs_version);
    const bool asks = argv.at(1) == "-P";
    const std::string& path = argv.at(asks ? 2 : 1);
    const Range range = storage_.range(machine, device_at(machine, path));
    const auto ext = ext_on(range);
    if (!ext)
        return {.exit_code = 1,
                .out = "Couldn't find valid filesystem superblock.\n",
                .err = version + bad_magic("resize2fs", path)};
    if (ext->errors || (!asks && !ext->checked && !is_mounted(device_at(machine, path))))
        return refusal(1, version + fmt::format("Please run 'e2fsck -f {}' first.\n\n", path));
    if (asks)
        return {.out = fmt::format("Estimated minimum size of the filesystem: {}\n", ext->least()),
                .err = version};
    const uint64_t blocks = std::stoull(argv.at(2));  // "48K": as many blocks
    if (blocks == ext->blocks)
        return {.out = {},
                .err = version + fmt::format("The filesystem is already {} (1k) blocks long.  "
                                             "Nothing to do!\n\n",
                                             blocks)};
    if (blocks < ext->least())
        return refusal(
            1, version + fmt::format("resize2fs: New size smaller than minimum ({})\n\n", ext->least()));
    if (blocks * Ext::block > range.size)
        return refusal(1,
                       version + fmt::format("The containing partition (or device) is only {} (1k) blocks.\n"
                                             "You requested a new size of {} blocks.\n\n",
                                             range.size / Ext::block, blocks));
    if (is_mounted(device_at(machine, path)))
        return refusal(1, version + "resize2fs: On-line shrinking not supported\n");
    resize_ext(range, *ext, blocks, storage_.cut_short_);
    return {.out = fmt::format("Resizing the filesystem on {0} to {1} (1k) blocks.\n"
                               "The filesystem on {0} is now {1} (1k) blocks long.\n\n",
                               path, blocks),
            .err = version};
}

// ---- mounting

bool SimulatedStorage::mount_ext(Machine& machine, const std::string& device, const std::string& path,
                                 const std::string& options)
{
    const Range place = range(machine, device);
    auto ext = ext_on(place);
    if (!ext || ext->blocks * Ext::block > place.size) return false;
    if (ext->errors && !settings_.half_resized_mounts) return false;
    if (is_to_be_written(options)) {
        ++ext->mount_count;
        ext->mounted_at = machine.wall.count() / 1000;
        ext->checked = false;
        write_ext(place, *ext);
    }
    mounts_.push_back({device, path, text_of_mount(options)});
    return true;
}

void SimulatedStorage::mount_exts(Machine& machine)
{
    const std::vector<Mounted> wanted = std::exchange(mounts_, {});
    for (const Mounted& one : wanted) {
        const bool ours = mirror(one.device) == nullptr && size_of(one.device) > 0;
        if (ours)
            static_cast<void>(mount_ext(machine, one.device, one.path, one.options));  // else without
        else
            mounts_.push_back(one);
    }
}

host::Outcome VolumePrograms::mount(Machine& machine, const Arguments& argv) const
{
    const std::string options = value_behind(argv, "-o"), &path = argv.back();
    if (options.starts_with("remount,")) return remount(machine, options.substr(8), path);
    const std::string device = device_at(machine, argv.at(argv.size() - 2));
    if (storage_.size_of(device) == 0)
        return refusal(32, fmt::format("mount: {}: special device {} does not exist.\n", path,
                                       argv.at(argv.size() - 2)));
    // What is mounted elsewhere is the same filesystem, read-only or not.
    for (const SimulatedStorage::Mounted& one : storage_.mounts_) {
        if (one.device == device && is_to_be_written(one.options) != is_to_be_written(options))
            return refusal(32, fmt::format("mount: {}: {} already mounted or mount point busy.\n", path,
                                           argv.at(argv.size() - 2)));
    }
    if (!storage_.mount_ext(machine, device, path, options))
        return refusal(32, fmt::format("mount: {}: wrong fs type, bad option, bad superblock\n", path));
    storage_.show(machine);
    return {};
}

host::Outcome VolumePrograms::remount(Machine& machine, const std::string& options,
                                      const std::string& path) const
{
    const auto found = std::ranges::find(storage_.mounts_, path, &SimulatedStorage::Mounted::path);
    if (found == storage_.mounts_.end())
        return refusal(32, fmt::format("mount: {}: mount point not mounted or bad option.\n", path));
    const Range range = storage_.range(machine, found->device);
    auto ext = ext_on(range);
    if (ext && is_to_be_written(options) && !is_to_be_written(found->options)) {
        ++ext->mount_count;
        ext->mounted_at = machine.wall.count() / 1000;
        ext->checked = false;
        write_ext(range, *ext);
    }
    found->options = text_of_mount(options);
    return {};
}

// ---- LVM

host::Outcome VolumePrograms::lvm(Machine& machine, const Arguments& argv) const
{
    const std::string& command = argv.at(1);
    if (command == "lvs") return volumes(machine, argv);
    if (command == "lvreduce" || command == "lvextend") return resize_volume(machine, argv);
    if (command == "pvs") {
        Json rows = Json::array();
        for (const SimulatedStorage::Volume& volume : storage_.volumes_)
            rows.push_back({{"pv_name", "/dev/" + volume.physical},
                            {"pv_uuid", "pv-" + volume.physical},
                            {"vg_name", volume.group}});
        return {.out = Json{{"report", {{{"pv", rows}}}}}.dump(), .err = {}};
    }
    if (command == "vgcfgbackup") {
        machine.put_file(argv.at(3), "the metadata of " + argv.back() + "\n");
        return {};
    }
    return refusal(2, fmt::format("  No such command '{}'.  Try 'help'.\n", command));
}

host::Outcome VolumePrograms::volumes(const Machine& machine, const Arguments& argv) const
{
    const std::string device = device_at(machine, argv.back());
    const auto found = std::ranges::find(storage_.volumes_, device, &SimulatedStorage::Volume::device);
    if (found == storage_.volumes_.end())
        return refusal(5, fmt::format("  Failed to find logical volume \"{}\"\n", argv.back()));
    const Json row = {{"lv_name", found->name},
                      {"lv_uuid", "lv-" + found->name},
                      {"lv_size", fmt::format("{}", found->size)},
                      {"vg_name", found->group},
                      {"vg_extent_size", fmt::format("{}", SimulatedStorage::Volume::extent)},
                      {"segtype", "linear"}};
    return {.out = Json{{"report", {{{"lv", {row}}}}}}.dump(), .err = {}};
}

/// What is cut off is gone, and what is added holds what somebody else has left there. Its metadata are
/// written at one stroke.
host::Outcome VolumePrograms::resize_volume(Machine& machine, const Arguments& argv) const
{
    if (storage_.cut_short_) return {};
    const auto named = [&](const SimulatedStorage::Volume& volume) {
        return volume.group + "/" + volume.name == argv.back();
    };
    const auto found = std::ranges::find_if(storage_.volumes_, named);
    if (found == storage_.volumes_.end())
        return refusal(5, fmt::format("  Failed to find logical volume \"{}\"\n", argv.back()));
    const uint64_t size = std::stoull(value_behind(argv, "--size"));
    const bool reduces = argv.at(1) == "lvreduce";
    if (size == found->size)
        return refusal(
            5, fmt::format("  New size ({} extents) matches existing size ({} extents).\n",
                           size / SimulatedStorage::Volume::extent, size / SimulatedStorage::Volume::extent));
    if ((size < found->size) != reduces)
        return refusal(5, fmt::format("  New size given ({} extents) not {} than existing size.\n",
                                      size / SimulatedStorage::Volume::extent, reduces ? "less" : "larger"));
    machine.find("/dev/" + found->device)->bytes.resize(size, '?');
    found->size = size;
    storage_.show(machine);
    return {};
}

}  // namespace belay::simulated
