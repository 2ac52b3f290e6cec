#pragma once
// A machine with disks, partitions, md arrays and mounts in memory, as strict as the real one: its programs
// (lsblk, findmnt, udevadm, sfdisk, blkid, blockdev, mdadm, mount and a few more) say and refuse what the
// recordings of a real kernel say and refuse, which pinned_test.cpp proves.
//
//     SimulatedStorage machine;
//     machine.plug({.name = "sda", .size = {256 << 10}, .serial = "S1"});
//     machine.host().run({.argv = {"lsblk", ...}});
//     machine.host().advance(3s);          a copy goes on
//     machine.host().power_cut(1min);      arrays are assembled again from their superblocks
//
// An array's bytes are on every member. In a mirror they are all alike; at another level, so that a member in
// the wrong place would be seen, each holds them XORed with the number of its place.
//
// Only disks last; everything else is the kernel's memory. sysfs and /dev are written anew after each change.

#include "host/simulated.h"
#include "simulated_disk.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace belay::simulated {

struct DiskSetup {
    std::string name;
    Bytes size;
    std::string serial = {}, wwn = {}, model = {};
    uint64_t logical_sector = 512;
    std::string by_id = {};  ///< name under /dev/disk/by-id; empty: it has none
};

struct StorageSettings {
    uint64_t data_offset = 1 << 20;  ///< of new members, in bytes
    uint64_t speed = 200'000 << 10;  ///< of a copy, bytes a second, where sysctl says no less
    bool busy_after_fail = true;     ///< the first removal after a --fail is refused, as it may be
    /// At a boot udev comes first to a leg that was taken out and never forgotten, as it may: if its
    /// superblock tells another number of legs, the array is not assembled.
    bool stale_leg_first = true;
    /// At a boot a member that failed or was taken out, and whose place is still free, comes back by the
    /// bitmap. It does where udev comes to it after the array was started; else md kicks it out.
    bool stale_member_comes_back = true;
    /// What a power cut in the middle of resize2fs has left: whether the kernel mounts it, and whether
    /// `e2fsck -p` refuses it or mends it by guessing.
    bool half_resized_mounts = true, preen_refuses = false;
};

/// A snapshot in a simulated repository.
struct Saved {
    std::string id, tag, image;
    bool is_whole = false;
};
/// Those that were saved to the end, in a repository at that path.
std::vector<Saved> saved_in(const host::Machine& machine, const std::string& repository);

class SimulatedStorage {
  public:
    explicit SimulatedStorage(StorageSettings settings = {});
    SimulatedStorage(const SimulatedStorage&) = delete;
    SimulatedStorage& operator=(const SimulatedStorage&) = delete;

    host::SimulatedHost& host() { return host_; }
    /// Everything that there is of it, as it is now.
    host::Machine world() const { return host_.machine(); }

    /// `bytes`: what stands on it; empty: it is blank.
    void plug(DiskSetup setup, const std::string& bytes = {});
    void unplug(const std::string& disk);
    bool is_plugged(const std::string& disk) const;
    /// Mounted now and after each boot, as by /etc/fstab.
    void mount_for_good(const std::string& device, const std::string& path);
    /// Swap areas and device-mapper devices are only seen to be there.
    void use_as_swap(const std::string& device);
    /// A logical volume of a group on a device, "dm-0" and so on. It has bytes of its own: which extents they
    /// lie on is not simulated.
    void make_volume(const std::string& physical, const std::string& group, const std::string& name,
                     Bytes size);
    void stack(const std::string& lower, const std::string& upper);

    /// What an application does to an array: goes to every leg that serves, and to the part of a joining one
    /// that is copied already.
    void write_data(const std::string& md, uint64_t offset, std::string_view bytes);
    /// The array's bytes as each of its in-sync legs holds them, by device.
    std::map<std::string, std::string> data_of(const std::string& md) const;
    /// The in-sync legs of an array, by device; and whatever it has as members.
    std::set<std::string> legs_in_sync(const std::string& md) const;
    std::set<std::string> members(const std::string& md) const;
    uint64_t legs_wanted(const std::string& md) const;
    /// Of the filesystem on an array, in bytes.
    uint64_t filesystem_size(const std::string& md) const;
    bool is_assembled(const std::string& md) const { return mirror(md) != nullptr; }
    bool has_superblock(const std::string& device) const;
    /// What md says of itself: "bitmap/location", "sync_speed_max".
    std::string setting(const std::string& md, const std::string& name) const;
    /// It is started by UEFI, whose firmware has an entry for the shell that it brings along.
    void start_by_efi();
    /// The power goes while this command runs, when it has done about half; what was not begun is not done.
    void power_cut_in(const host::Command& command, Milliseconds off);
    /// The bytes of a disk, a partition or a volume.
    std::string bytes_of(const std::string& device) const;
    /// Where block devices are mounted and how: "sda1 on /srv/data rw,relatime".
    std::vector<std::string> mounted() const;
    /// Somebody writes a file, if an ext filesystem is mounted there that may be written.
    bool write_file(const std::string& path, const std::string& name, const std::string& bytes);
    /// A member stops answering, as a dying disk does.
    void break_leg(const std::string& md, const std::string& device);

  private:
    friend class Programs;
    friend class BootPrograms;
    friend class VolumePrograms;

    struct Firmware {
        struct Entry {
            std::string label, path;
        };
        std::map<std::string, Entry> entries;  ///< by number
        std::vector<std::string> order;
    };

    struct Known {  ///< a partition that the kernel knows
        std::string name, uuid, type;
        uint64_t number = 0, start = 0, size = 0;  ///< in sectors of 512
    };
    struct Disk : DiskSetup {
        std::vector<Known> partitions;
        std::string table, table_id;  ///< as the kernel and udev last read them
        uint64_t minor = 0;
    };
    struct Leg {
        std::string device;
        std::string id;  ///< in the superblocks
        bool faulty = false, in_sync = false, busy = false;
        bool replacement = false;  ///< takes the place of another, which serves until all is copied
        bool want_replacement = false;
        std::optional<uint64_t> slot;
        uint64_t recovered = 0;  ///< bytes
        bool recovering() const { return slot && !in_sync && !faulty; }
    };
    struct Mirror {
        std::string name, uuid, label;
        std::string level = "raid1";
        uint64_t legs = 0, events = 1, data_offset = 0, data_size = 0, minor = 0;
        std::vector<Leg> members;
        bool broken = false;
        uint64_t checkpoint = 0;  ///< of the copy, in bytes
        bool begun = false;
        bool bitmap = true;
        bool held = false;                                       ///< nothing is copied
        std::string speed_min = "system", speed_max = "system";  ///< KiB a second

        Leg* member(const std::string& device);
        const Leg* copying() const;
        uint64_t in_sync() const;
        uint64_t may_miss() const;           ///< members, without losing data
        uint64_t size() const;               ///< of the array, in bytes
        uint64_t key(const Leg& leg) const;  ///< what its bytes are XORed with
    };
    struct Candidate {
        std::string device;
        Superblock superblock;
    };
    struct Mounted {
        std::string device, path;
        std::string options = "rw,relatime";
    };
    struct Volume {
        static constexpr uint64_t extent = 4096;
        std::string device, physical, group, name;
        uint64_t size = 0;
    };

    // Bytes. The machine is the one that the host hands to programs; null: that of the host between calls.
    Range range(host::Machine& machine, const std::string& device) const;
    Range data(host::Machine& machine, const Mirror& mirror, const Leg& leg) const;
    std::string read_data(host::Machine& machine, const Mirror& mirror, const Leg& leg, uint64_t offset,
                          uint64_t count) const;
    void write_data(host::Machine& machine, const Mirror& mirror, const Leg& leg, uint64_t offset,
                    std::string_view bytes) const;
    const Disk* disk_of(const std::string& device) const;
    std::optional<storage::Content> content(host::Machine& machine, const std::string& device) const;
    const Mirror* mirror(const std::string& name) const;
    Mirror* mirror(const std::string& name);
    bool in_use(const std::string& device) const;  ///< by itself: a member, mounted, swap, stacked upon
    bool busy(const std::string& device) const;    ///< it, or for a disk one of its partitions
    uint64_t size_of(const std::string& device) const;

    // The kernel.
    void read_partitions(host::Machine& machine, Disk& disk);
    void write_superblocks(host::Machine& machine, Mirror& mirror);
    void take_spares(Mirror& mirror);
    void pass(host::Machine& machine, Milliseconds elapsed);
    void copy(host::Machine& machine, Mirror& mirror, uint64_t bytes);
    void let_replaced_go(Mirror& mirror, Leg& replacement) const;
    void start(host::Machine& machine);
    void assemble(host::Machine& machine);
    void assemble(const std::vector<Candidate>& candidates, const Superblock& freshest, bool stale_come_back);
    std::string new_device_id() { return fmt::format("device-{}", ++last_device_); }

    Result<void> set(host::Machine& machine, std::string_view path, std::string_view text);
    bool set_bus(host::Machine& machine, std::string_view path, std::string_view text);
    void find_disks(host::Machine& machine, const std::string& place = {});
    void show_bus(host::Machine& machine) const;

    // Filesystems whose files are simulated: ext and FAT.
    bool mount_ext(host::Machine& machine, const std::string& device, const std::string& path,
                   const std::string& options);
    /// What a boot mounts; a host starts without what cannot be mounted.
    void mount_exts(host::Machine& machine);
    const Volume* volume(const std::string& device) const;
    void mount(host::Machine& machine, const std::string& device, const std::string& path);
    /// What was written below a mount point goes to its device, if anything is mounted there: all of it, or
    /// what the kernel had come to before somebody asked it to.
    void write_back(host::Machine& machine, const std::string& path, bool all);
    /// The device that /etc/fstab mounts there; empty: it is not there. Nothing: there is no line.
    std::optional<std::string> fstab_line(const host::Machine& machine, const std::string& target) const;
    std::string device_with_uuid(const host::Machine& machine, const std::string& uuid) const;
    void mount_by_fstab(host::Machine& machine);

    // What is seen of it.
    void show(host::Machine& machine);
    void show_mirror(host::Machine& machine, const Mirror& mirror) const;
    void show_block(host::Machine& machine, const std::string& name, const std::string& numbers) const;
    std::string numbers_of(const std::string& device) const;

    StorageSettings settings_;
    host::SimulatedHost host_;
    std::vector<Disk> disks_;
    std::vector<std::pair<Disk, std::string>> bay_;  ///< taken out by the kernel, with what is on them
    std::vector<Mirror> mirrors_;
    std::vector<Mounted> mounts_, fstab_;
    std::vector<Volume> volumes_;
    std::vector<std::string> swaps_;
    std::vector<std::pair<std::string, std::string>> stacked_;
    std::optional<Firmware> firmware_;
    std::set<std::string> executables_;
    uint64_t speed_limit_ = 200'000 << 10;
    uint64_t last_device_ = 0;
    uint64_t plugged_ = 0;
    bool cut_short_ = false;  ///< the power goes while a program runs
};

}  // namespace belay::simulated
