#pragma once
// An ext filesystem on a simulated device: blocks of 1 KiB, files that are lists of blocks, and what its
// superblock tells. Small enough to be held against the original block by block.

#include "simulated_disk.h"

#include <map>
#include <set>

namespace belay::simulated {

struct Ext {
    static constexpr uint64_t block = 1024;
    static constexpr uint64_t reserved = 8;  ///< blocks: superblock and table of files

    storage::Content content;
    uint64_t blocks = 0;
    uint64_t mount_count = 0;
    int64_t mounted_at = 0;  ///< to be written, in seconds; 0: never
    bool errors = false;     ///< "clean with errors": a resize that was cut short has left it so
    bool checked = true;     ///< since it was last mounted to be written
    std::map<std::string, std::vector<uint64_t>> files = {};

    /// The blocks that are in use, those of the superblock and the table as well.
    std::set<uint64_t> used() const;
    /// The fewest blocks that hold it all.
    uint64_t least() const { return used().size(); }
};

/// Nothing where there is no superblock, or one of another filesystem.
std::optional<Ext> ext_on(const Range& range);
void write_ext(const Range& range, const Ext& ext);
/// What is in its files, by name; of blocks behind the end of the device nothing.
Files ext_files(const Range& range, const Ext& ext);
/// Takes free blocks for it, the last ones of the filesystem first. False: there are not enough.
bool add_ext_file(const Range& range, Ext& ext, const std::string& name, const std::string& bytes);
/// As resize2fs does: moves what lies behind the new end into the first free blocks, then writes the size.
/// `cut_short`: the power goes in the middle, when the last block that was begun is half copied.
void resize_ext(const Range& range, Ext ext, uint64_t blocks, bool cut_short);
/// The device with zeros where nothing is in use; all of it where the filesystem cannot be trusted.
std::string ext_image(const Range& range);

}  // namespace belay::simulated
