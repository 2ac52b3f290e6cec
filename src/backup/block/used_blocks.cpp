#include "backup/block/used_blocks.h"

#include "backup/block/filesystems.h"
#include "backup/block/isolated.h"
#include "host/descriptor.h"

#include <algorithm>
#include <blkid/blkid.h>
#include <cerrno>
#include <fcntl.h>
#include <memory>

namespace belay::backup {
namespace {

/// The header of a swap area fills its first page, and no page is larger.
constexpr uint64_t swap_header = 64 << 10;

struct Content {
    std::string type;  ///< empty: unknown
    std::string why_unknown;
};

std::string value_of(blkid_probe probe, const char* name)
{
    const char* value = nullptr;
    return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 ? value : "";
}

/// What libblkid finds, if it is one thing alone.
Result<Content> content_of(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(system_error(fmt::format("cannot open {}", path), errno));
    const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(blkid_new_probe(),
                                                                           blkid_free_probe);
    if (!probe || blkid_probe_set_device(probe.get(), file.number(), 0, 0) != 0)
        return Content{{}, fmt::format("libblkid cannot look at {}", path)};
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
    blkid_probe_enable_partitions(probe.get(), 1);
    const int found = blkid_do_safeprobe(probe.get());
    if (found == -2) return Content{{}, fmt::format("{} has signatures of more than one kind", path)};
    if (found < 0) return Content{{}, fmt::format("libblkid cannot read {}", path)};
    if (found > 0) return Content{{}, fmt::format("{} holds no filesystem that is known", path)};
    if (!value_of(probe.get(), "PTTYPE").empty())
        return Content{{}, fmt::format("{} has a partition table", path)};
    if (!value_of(probe.get(), "SBBADCSUM").empty())
        return Content{{}, fmt::format("the superblock on {} does not match its checksum", path)};
    return Content{value_of(probe.get(), "TYPE"), {}};
}

bool is_ext(std::string_view type)
{
    return type == "ext2" || type == "ext3" || type == "ext4";
}

Result<Used> used_by(host::Host& host, const std::string& type, const std::string& path, uint64_t size)
{
    if (is_ext(type)) return isolated(path, [&] { return used_by_ext(path, size); });
    if (type == "ntfs") return isolated(path, [&] { return used_by_ntfs(path, size); });
    if (type == "xfs") return used_by_xfs(host, path, size);
    if (type == "swap") return Extents{{0, std::min(size, swap_header)}};
    return fail(ErrorKind::refused,
                fmt::format("which blocks of {} on {} are used cannot be told", type, path));
}

}  // namespace

UsedBlocks all_blocks(uint64_t size, std::string why)
{
    UsedBlocks all;
    all.why_whole = std::move(why);
    append(all.extents, {0, size});
    return all;
}

Result<UsedBlocks> used_blocks(host::Host& host, const std::string& path, uint64_t size)
{
    const Content content = TRY(content_of(path));
    if (content.type.empty()) return all_blocks(size, content.why_unknown);
    Result<Used> used = used_by(host, content.type, path, size);
    if (used && *used) {
        UsedBlocks some;
        some.content = content.type;
        some.extents = **std::move(used);
        return some;
    }
    UsedBlocks all =
        all_blocks(size, used ? fmt::format("the journal of the {} on {} is not replayed", content.type, path)
                              : used.error().what);
    all.content = content.type;
    all.needs_recovery = used.has_value();
    return all;
}

}  // namespace belay::backup
