#pragma once
// What stands on a simulated disk, as bytes: partition tables, md superblocks, filesystems. Tables and
// superblocks lie where the real ones lie and have their magic numbers; what is inside a GPT or a superblock
// is JSON, for nobody but the simulated programs reads it.

#include "base/json.h"
#include "storage/listing.h"

#include <optional>
#include <string>
#include <vector>

namespace belay::simulated {

/// The bytes of a disk, or of a partition on it.
struct Range {
    std::string* disk = nullptr;
    uint64_t offset = 0, size = 0;

    std::string read(uint64_t at, uint64_t count) const { return disk->substr(offset + at, count); }
    void write(uint64_t at, std::string_view bytes) const { disk->replace(offset + at, bytes.size(), bytes); }
};

/// How many sectors a GPT takes at each end, the MBR in front of it not counted.
uint64_t gpt_sectors(uint64_t sector_size);

/// The table as the kernel and libfdisk find it: a GPT only behind a protective MBR, and its copy where the
/// first one is damaged.
std::optional<storage::PartitionTable> table_on(const Range& disk, uint64_t sector_size);
void write_table(const Range& disk, const storage::PartitionTable& table);

/// A 1.2 superblock, 4 KiB from the start of a member.
struct Superblock {
    std::string array, name;  ///< the array's UUID as mdadm writes it; "host:0"
    std::string level = "raid1";
    std::string device;  ///< which member this is; unique
    uint64_t legs = 0, events = 0;
    uint64_t data_offset = 0, data_size = 0;  ///< bytes
    uint64_t recovered = 0;                   ///< bytes of the data that are right on this member
    bool bitmap = true;
    std::map<std::string, std::string> roles;  ///< by device: a slot's number, "0 replacement", or "spare"
};
std::optional<Superblock> superblock_on(const Range& member);
void write_superblock(const Range& member, const Superblock& superblock);
void erase_superblock(const Range& member);

/// A filesystem or swap area; nothing but its label and its size is simulated.
std::optional<storage::Content> filesystem_on(const Range& range);
/// In bytes; 0 where there is none.
uint64_t filesystem_size_on(const Range& range);
void write_filesystem(const Range& range, const storage::Content& content, uint64_t size);
/// The files of a FAT, by path.
using Files = std::map<std::string, std::string>;
Files files_on(const Range& range);
void write_files(const Range& range, const Files& files);

}  // namespace belay::simulated
