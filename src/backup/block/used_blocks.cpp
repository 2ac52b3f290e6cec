#include "backup/block/used_blocks.h"

#include "backup/block/filesystems.h"
#include "backup/block/isolated.h"
#include "host/descriptor.h"

#include <algorithm>
#include <blkid/blkid.h>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>

namespace belay::backup {
namespace {

struct Content {
    std::string type;  ///< empty: unknown
    std::string why_unknown;
    uint64_t signature_end = 0;  ///< where what it is known by ends, from the beginning of the device
};

std::string value_of(blkid_probe probe, const char* name)
{
    const char* value = nullptr;
    return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 ? value : "";
}

/// 0 where libblkid does not say.
uint64_t signature_end(blkid_probe probe)
{
    const char* magic = nullptr;
    size_t length = 0;
    const std::string offset = value_of(probe, "SBMAGIC_OFFSET");
    if (offset.empty() || blkid_probe_lookup_value(probe, "SBMAGIC", &magic, &length) != 0) return 0;
    return std::strtoull(offset.c_str(), nullptr, 10) + length;
}

/// What libblkid finds, if it is one thing alone.
Result<Content> content_of(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(blkid_new_probe(),
                                                                           blkid_free_probe);
    if (!probe || blkid_probe_set_device(probe.get(), file.number(), 0, 0) != 0)
        return Content{{}, fmt::format("libblkid cannot look at {}", path)};
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(),
                                      BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM | BLKID_SUBLKS_MAGIC);
    blkid_probe_enable_partitions(probe.get(), 1);
    const int found = blkid_do_safeprobe(probe.get());
    if (found == -2) return Content{{}, fmt::format("{} has signatures of more than one kind", path)};
    if (found < 0) return Content{{}, fmt::format("libblkid cannot read {}", path)};
    if (found > 0) return Content{{}, fmt::format("{} holds no filesystem that is known", path)};
    if (!value_of(probe.get(), "PTTYPE").empty())
        return Content{{}, fmt::format("{} has a partition table", path)};
    if (!value_of(probe.get(), "SBBADCSUM").empty())
        return Content{{}, fmt::format("the superblock on {} does not match its checksum", path)};
    Content content{value_of(probe.get(), "TYPE"), {}};
    content.signature_end = signature_end(probe.get());
    return content;
}

/// The header of a swap area fills its first page, and its signature ends with the page. What is behind it is
/// memory of programs that have ended since, or of those that run.
Result<Used> used_by_swap(const std::string& path, uint64_t page, uint64_t size)
{
    constexpr uint64_t smallest_page = 4 << 10, largest_page = 64 << 10;
    if (page < smallest_page || page > largest_page || (page & (page - 1)) != 0 || page > size)
        return fail(ErrorKind::refused, fmt::format("the header of the swap area on {} is no page", path));
    return Extents{{0, page}};
}

bool is_ext(std::string_view type)
{
    return type == "ext2" || type == "ext3" || type == "ext4";
}

Result<Used> used_by(host::Host& host, const Content& content, const std::string& path, uint64_t size)
{
    const std::string& type = content.type;
    if (is_ext(type)) return isolated(path, [&] { return used_by_ext(path, size); });
    if (type == "ntfs") return isolated(path, [&] { return used_by_ntfs(path, size); });
    if (type == "xfs") return used_by_xfs(host, path, size);
    if (type == "swap") return used_by_swap(path, content.signature_end, size);
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

Result<std::string> content_name(const std::string& path)
{
    return TRY(content_of(path)).type;
}

Result<UsedBlocks> used_blocks(host::Host& host, const std::string& path, uint64_t size)
{
    const Content content = TRY(content_of(path));
    if (content.type.empty()) return all_blocks(size, content.why_unknown);
    Result<Used> used = used_by(host, content, path, size);
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
