#pragma once
// What a view tells of a host's storage: the inventory, and what more tools know of it (LVM, ZFS, SMART,
// mdadm, mtools). Checks of the engine read the inventory alone: it must not wait for a disk that answers
// slowly.
//
// A tool that is missing, fails or takes too long costs its part and no more: `not_looked` says what nobody
// looked at, and why.

#include "host/host.h"
#include "storage/boot_code.h"
#include "storage/model.h"
#include "storage/parse/lvm.h"
#include "storage/parse/smartctl.h"
#include "storage/parse/zpool_status.h"
#include "storage/tables.h"

namespace belay::storage {

/// Something that was not looked at.
struct NotLooked {
    std::string what;  ///< "LVM", "SMART of sda and sdb"
    std::string why;   ///< "no program lvm on this host"
    std::string next;  ///< the command that helps; empty: none is known
};

/// What device-mapper says of one of its devices.
struct Mapped {
    std::string name;  ///< "vg0-root"
    std::string uuid;  ///< "LVM-...", "mpath-...", "CRYPT-LUKS2-..."; empty: it has none
};

/// An md array that does not run, as the superblocks of its members describe it.
struct WaitingArray {
    std::string uuid;            ///< as mdadm writes it
    std::string name = {};       ///< "data" of "host:data"
    std::string level = {};      ///< empty: no superblock was read
    std::string assembled = {};  ///< "md127", where the kernel has taken members in and not started it
    std::vector<std::string> members = {};  ///< kernel names of those that are here, spares too
    std::optional<uint64_t> wanted = {};    ///< raid-devices
    std::optional<uint64_t> active = {};    ///< members here that have a slot of their own
};

/// An imported pool.
struct Pool {
    parse::ZpoolPool status;
    PoolRow row;                                 ///< without sizes where they are not known
    std::vector<DatasetRow> datasets;            ///< the first is the pool's own
    std::map<std::string, std::string> devices;  ///< of leaves: from vdev's name to kernel name
    std::map<std::string, std::string> volumes;  ///< from a zvol's name to kernel name
};

/// An EFI system partition and what is below EFI/ in it. Names in lower case, as FAT compares them.
struct Esp {
    std::string device;             ///< kernel name
    std::string mounted;            ///< where; empty: it is not, and was read without mounting it
    bool formatted = false;         ///< it holds a FAT
    std::vector<FileDigest> files;  ///< by path: "efi/boot/bootx64.efi"
};

/// What an ATA disk has, whether it shows it or not.
struct AtaCapacity {
    Bytes native;                ///< with what a Host Protected Area hides
    std::optional<Bytes> built;  ///< with what a Device Configuration Overlay hides, too; absent: not told
    bool by_accessible_max_address = false;  ///< the newer feature in the place of both
};

/// What a BIOS finds on a disk of the mirror that holds /boot.
struct BootCode {
    std::string disk;  ///< kernel name
    boot_code::Code code = boot_code::Code::none;
    bool whole = false;  ///< GRUB, and its rest is where it says
};

/// How a host starts that was started by BIOS.
struct BiosStart {
    std::vector<BootCode> codes = {};  ///< a disk each
    std::map<std::string, std::string> renewed =
        {};  ///< from grub-pc's names to kernel name; empty: it is gone
};

struct Survey {
    Inventory inventory;
    std::map<std::string, Mapped> mapped = {};             ///< by kernel name
    std::map<std::string, std::string> loop_files = {};    ///< by kernel name
    std::map<std::string, std::string> bus_paths = {};     ///< by kernel name: "pci-0000:00:1f.2-ata-1"
    std::vector<SwapArea> swaps = {};                      ///< in use
    std::map<std::string, std::string> swap_devices = {};  ///< from a swap area's path to kernel name
    std::vector<WaitingArray> waiting = {};
    std::optional<parse::Lvm> lvm = {};                ///< absent: there is none, or it was not looked at
    std::map<std::string, std::string> physical = {};  ///< from kernel name to the PV's UUID
    std::vector<Pool> pools = {};
    bool pools_known = false;                                ///< the list of imported pools is whole
    std::map<std::string, parse::Smart> smart = {};          ///< by kernel name of the disk
    std::map<std::string, AtaCapacity> ata_capacities = {};  ///< by kernel name; of disks that tell
    std::vector<Esp> esps = {};  ///< those that could be read, in the order of the disks
    BiosStart bios = {};
    std::vector<NotLooked> not_looked = {};
};

/// `health` asks each disk (SMART, capacity) and reads the content of ESPs too: that takes longer and is not
/// in the tree.
enum class Depth { tree, health };

/// Errors: those of read_inventory.
Result<Survey> read_survey(host::Host& host, Depth depth);

/// A partition that firmware takes for an EFI system partition, by its type.
bool is_esp(const Partition& partition);

/// Those of which members are there and none is in a running array; their superblocks are not read yet.
std::vector<WaitingArray> waiting_arrays(const Inventory& inventory);

/// Devices that nobody has imported, by the pool's GUID; only where the list of pools is whole.
struct PoolAway {
    std::string name, guid;
    std::vector<std::string> devices;  ///< kernel names
};
std::vector<PoolAway> pools_away(const Survey& survey);

/// Kernel names of the zvols. The kernel lists them as disks; they are part of their pools.
std::set<std::string> zvols_of(const Survey& survey);

/// What tells this machine's disks from all others, as the tools write it: serial numbers and world-wide
/// names. None is shorter than 4 bytes, which would be found everywhere.
std::vector<std::string> identities(const Survey& survey);

/// The whole as a graph: {"nodes": [{"id", "kind", "name", "children": [ids], ...}], "roots": [ids],
/// "not_looked": [{"what", "why", "next"}]}, described in docs/cli.md.
nlohmann::json graph_of(const Survey& survey);

void to_json(nlohmann::json& json, const NotLooked& part);

}  // namespace belay::storage
