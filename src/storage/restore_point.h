#pragma once
// Restore points: before anything is changed, an operation keeps what says where the data lie (partition
// tables, md superblocks, LVM metadata, LUKS headers, ZFS labels) in a folder of its own, each piece in the
// form that a standard tool reads, with the command that puts it back.
//
//     FOLDER/manifest.json    what there is, of which device, with SHA-256; put there last
//     FOLDER/...              a file for each piece
//
// A folder without a manifest was cut short: it is taken anew, or removed on the way back. One that is whole
// stays when the operation has ended, whatever its end, until somebody cleans up.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::restore_point {

/// How a piece comes into its file.
enum class Way {
    raw,      ///< `length` bytes of the device from `offset`
    output,   ///< what the command prints
    written,  ///< the command writes the file, whose path is among its words
};

struct Piece {
    std::string file;  ///< its name in the folder
    std::string what;  ///< "the partition table of LAB-a"
    Way way = Way::raw;
    std::string device;       ///< stable path; empty: of no single device
    std::string serial = {};  ///< of the disk that the device lies on, or the UUID of what it is
    uint64_t offset = 0, length = 0;
    std::vector<std::string> argv = {};
    std::vector<std::string> put_back = {};  ///< as a person would type it
    bool may_fail = false;                   ///< it may be gone: that is written down, and no failure
};

std::string_view name_of(Way way);

/// Where its file will be, as a plan names it.
std::string path_of(const Piece& piece);

// The pieces of each thing. Of a disk its table, and what lies in front of its first partition and behind its
// last, at most 64 KiB each.
std::vector<Piece> of_disk(const Disk& disk);
/// The superblock of each member that serves or waits, where it lies by the array's metadata version.
std::vector<Piece> of_array(const Inventory& host, const Array& array);
/// A volume group by its name, with the physical volumes' paths and UUIDs.
std::vector<Piece> of_group(const std::string& group,
                            const std::vector<std::pair<std::string, std::string>>& volumes);
std::vector<Piece> of_luks(const std::string& device, const std::string& uuid);
/// The four labels of a member of a pool: 256 KiB each, two in front and two behind.
std::vector<Piece> of_zfs(const std::string& device, const std::string& serial, Bytes size);

/// The room that the pieces take, in bytes, at most.
Bytes room_of(const std::vector<Piece>& pieces);

/// Takes them all, in the operation's own folder. Back: what was cut short goes.
operation::Act keep(const std::vector<Piece>& pieces);

void fill_restore_point(operation::Catalogue& catalogue);

}  // namespace belay::storage::restore_point
