#include "host/load/sample.h"

#include "host/files.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <set>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace belay::host::load {
namespace {

constexpr Bytes most_text{8 << 20};
constexpr Bytes most_process_text{4096};
constexpr size_t most_filesystems = 256;

constexpr std::array network_types = {"nfs",       "nfs4", "cifs", "smb3", "ceph",
                                      "glusterfs", "9p",   "afs",  "ocfs2"};
/// Full by their nature.
constexpr std::array image_types = {"squashfs", "iso9660", "erofs", "cramfs", "udf"};

Milliseconds reading_of(clockid_t clock)
{
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::duration_cast<Milliseconds>(std::chrono::seconds(time.tv_sec) +
                                                    std::chrono::nanoseconds(time.tv_nsec));
}

std::optional<Pressure> pressure_of(const char* what)
{
    const auto text = files::read(fmt::format("/proc/pressure/{}", what), most_process_text);
    if (!text) return std::nullopt;
    const auto pressure = parse_pressure(*text);
    return pressure ? std::optional(*pressure) : std::nullopt;
}

bool is_network(const Mount& mount)
{
    return std::ranges::find(network_types, mount.type) != network_types.end() ||
           mount.type.starts_with("fuse");
}

/// Of what has a disk. The kernel's own (proc, tmpfs) are no matter of room; an overlay only as the root of a
/// container.
bool has_disk(const Mount& mount)
{
    if (std::ranges::find(image_types, mount.type) != image_types.end()) return false;
    return mount.at == "/" || mount.device.starts_with("/dev/") || mount.type == "zfs";
}

void take_filesystems(Sample& sample)
{
    const auto text = files::read("/proc/self/mountinfo", most_text);
    if (!text) return;
    const auto mounts = parse_mounts(*text);
    if (!mounts) return;
    // One that is mounted twice counts once, where it was mounted first. Each subvolume of a btrfs has a
    // number of its own, and the room of all.
    std::set<std::string> seen;
    const auto key_of = [](const Mount& mount) {
        return mount.type == "btrfs" ? mount.device : mount.numbers;
    };
    for (const Mount& mount : *mounts) {
        if (seen.size() == most_filesystems) return;
        const bool is_root = mount.at == "/";
        if (is_network(mount) && !is_root) {
            if (seen.insert(key_of(mount)).second)
                sample.not_asked.push_back(fmt::format("{} ({})", mount.at, mount.type));
            continue;
        }
        if (!has_disk(mount)) continue;
        struct statvfs use{};
        if (statvfs(mount.at.c_str(), &use) != 0 || use.f_blocks == 0) continue;
        if (!seen.insert(key_of(mount)).second) continue;
        sample.filesystems.push_back({.at = mount.at,
                                      .type = mount.type,
                                      .device = mount.device,
                                      .size = Bytes{use.f_blocks * use.f_frsize},
                                      .free = Bytes{use.f_bavail * use.f_frsize},
                                      .used = Bytes{(use.f_blocks - use.f_bfree) * use.f_frsize},
                                      .inodes = use.f_files,
                                      .inodes_free = use.f_ffree});
    }
}

/// Only whole disks have a folder of their own there; a slash in a name is written otherwise.
bool is_whole_disk(std::string name)
{
    std::ranges::replace(name, '/', '!');
    struct stat status{};
    return stat(fmt::format("/sys/block/{}", name).c_str(), &status) == 0;
}

void take_disks(Sample& sample)
{
    const auto text = files::read("/proc/diskstats", most_text);
    if (!text) return;
    const auto disks = parse_disks(*text);
    if (!disks) return;
    for (const DiskCounts& disk : *disks) {
        const bool was_used = disk.reads + disk.writes > 0;
        if (was_used && is_whole_disk(disk.name)) sample.disks.push_back(disk);
    }
}

void take_processes(Sample& sample)
{
    const auto names = files::list("/proc");
    if (!names) return;
    for (const std::string& name : *names) {
        int pid = 0;
        const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (read.ec != std::errc{} || read.ptr != name.data() + name.size()) continue;
        const std::string folder = "/proc/" + name;
        // One that ends meanwhile is none any more.
        const auto text = files::read(folder + "/stat", most_process_text);
        if (!text) continue;
        const auto counts = parse_process(*text);
        struct stat status{};
        if (!counts || stat(folder.c_str(), &status) != 0) continue;
        SampledProcess process{.counts = *counts, .user = status.st_uid, .group = {}};
        if (!process.counts.is_kernel) {
            const auto groups = files::read(folder + "/cgroup", most_text);
            if (groups) process.group = parse_group(*groups);
        }
        sample.processes.push_back(std::move(process));
    }
}

}  // namespace

Result<Sample> take_sample(bool processes)
{
    Sample sample;
    sample.wall = reading_of(CLOCK_REALTIME);
    sample.boot = reading_of(CLOCK_BOOTTIME);
    sample.processors = TRY(parse_processors(TRY(files::read("/proc/stat", most_text))));
    sample.memory = TRY(parse_memory(TRY(files::read("/proc/meminfo", most_text))));
    const auto averages = files::read("/proc/loadavg", most_process_text);
    if (averages) sample.load_average = parse_load_average(*averages).value_or(sample.load_average);
    sample.processor_pressure = pressure_of("cpu");
    sample.memory_pressure = pressure_of("memory");
    sample.disk_pressure = pressure_of("io");
    take_disks(sample);
    take_filesystems(sample);
    if (processes) take_processes(sample);
    return sample;
}

}  // namespace belay::host::load
