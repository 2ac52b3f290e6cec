// Whatever lsblk, findmnt, sfdisk and blkid may say: it is refused, or it is understood within its limits,
// and what is made of it is sound.

#include "base/invariant.h"
#include "base/json.h"
#include "storage/listing.h"
#include "storage/partition.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace belay::storage;

/// A table that was understood can be given new ids, and the script for it has a line a partition.
void copy_table(const PartitionTable& table)
{
    std::string random;
    for (size_t i = 0; i < 16 * (table.entries.size() + 1); ++i) random += static_cast<char>(i * 7);
    const auto copy = partition::with_new_ids(table, random);
    const bool known = table.label == "gpt" || table.label == "dos";
    INVARIANT(copy.has_value() == known);
    if (!copy) return;
    INVARIANT(copy->entries.size() == table.entries.size());
    Disk disk;
    disk.by_id = "/dev/disk/by-id/x";
    INVARIANT(partition::write_table(disk, *copy).arguments.at("partuuids").size() == table.entries.size());
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto devices = parse_lsblk(text)) {
        for (const ListedDevice& device : *devices) INVARIANT(!device.name.empty());
    }
    if (const auto mounts = parse_findmnt(text)) {
        for (const ListedMount& mount : *mounts) INVARIANT(!mount.path.empty());
    }
    if (const auto table = parse_sfdisk(text)) copy_table(*table);
    for (const auto& [name, value] : parse_export(text)) {
        INVARIANT(!name.empty() && name.find('\n') == std::string::npos);
        INVARIANT(value.find('\n') == std::string::npos);
    }
    return 0;
}
