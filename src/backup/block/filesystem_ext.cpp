#include "backup/block/filesystems.h"

#include <algorithm>
#include <memory>
#include <mutex>

// The headers of e2fsprogs are C, and convert as C does.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <ext2fs/ext2fs.h>
#pragma GCC diagnostic pop

namespace belay::backup {
namespace {

using Filesystem = std::unique_ptr<struct_ext2_filsys, void (*)(ext2_filsys)>;

std::unexpected<Error> cannot(std::string_view doing, const std::string& path, errcode_t code)
{
    static std::once_flag once;
    std::call_once(once, initialize_ext2_error_table);
    return fail(ErrorKind::corrupt, fmt::format("cannot {} on {}: {}", doing, path, error_message(code)));
}

Result<Filesystem> open_ext(const std::string& path)
{
    ext2_filsys opened = nullptr;
    const errcode_t code = ext2fs_open2(path.c_str(), nullptr, EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP, 0, 0,
                                        unix_io_manager, &opened);
    if (code != 0) return cannot("read the filesystem", path, code);
    return Filesystem(opened, [](ext2_filsys filesystem) { ext2fs_free(filesystem); });
}

/// Whether its bitmaps are what is used now.
Result<void> check_ext_state(ext2_filsys filesystem, const std::string& path)
{
    const ext2_super_block& super = *filesystem->super;
    if ((super.s_state & EXT2_ERROR_FS) != 0)
        return fail(ErrorKind::refused, fmt::format("the filesystem on {} is marked as having errors", path));
    if ((super.s_state & EXT2_VALID_FS) == 0)
        return fail(ErrorKind::refused, fmt::format("the filesystem on {} was not unmounted", path));
    return {};
}

/// Walks the bitmap of one group; how many of its clusters are free.
uint64_t take_group(ext2_filsys filesystem, dgrp_t group, Extents& used)
{
    const uint64_t block_size = filesystem->blocksize;
    const blk64_t first = ext2fs_group_first_block2(filesystem, group);
    const blk64_t last = ext2fs_group_last_block2(filesystem, group);
    const auto cluster = static_cast<blk64_t>(EXT2FS_CLUSTER_RATIO(filesystem));
    uint64_t free = 0;
    for (blk64_t at = first; at <= last;) {
        blk64_t begin = last + 1, end = last + 1;
        if (ext2fs_find_first_set_block_bitmap2(filesystem->block_map, at, last, &begin) != 0)
            begin = last + 1;
        begin = std::max(begin, at);  // a cluster begins before the block that was asked for
        free += (begin - at + cluster - 1) / cluster;
        if (begin > last) break;
        if (ext2fs_find_first_zero_block_bitmap2(filesystem->block_map, begin, last, &end) != 0)
            end = last + 1;
        append(used, {begin * block_size, (end - begin) * block_size});
        at = end;
    }
    return free;
}

/// A group's own bitmaps and its part of the inode table are always in use.
bool has_its_tables(ext2_filsys filesystem, dgrp_t group)
{
    const auto is_used = [&](blk64_t begin, blk64_t count) {
        if (begin < filesystem->super->s_first_data_block ||
            begin + count > ext2fs_blocks_count(filesystem->super))
            return false;
        for (blk64_t block = begin; block < begin + count; ++block) {
            if (ext2fs_test_block_bitmap2(filesystem->block_map, block) == 0) return false;
        }
        return true;
    };
    return is_used(ext2fs_block_bitmap_loc(filesystem, group), 1) &&
           is_used(ext2fs_inode_bitmap_loc(filesystem, group), 1) &&
           is_used(ext2fs_inode_table_loc(filesystem, group), filesystem->inode_blocks_per_group);
}

}  // namespace

Result<Used> used_by_ext(const std::string& path, uint64_t size)
{
    const Filesystem opened = TRY(open_ext(path));
    ext2_filsys filesystem = opened.get();
    if (ext2fs_has_feature_journal_needs_recovery(filesystem->super) != 0) return Used();
    TRY(check_ext_state(filesystem, path));
    const uint64_t blocks = ext2fs_blocks_count(filesystem->super);
    if (blocks > size / filesystem->blocksize)
        return fail(ErrorKind::corrupt,
                    fmt::format("the filesystem on {} is larger than {} bytes", path, size));
    if (const errcode_t code = ext2fs_read_block_bitmap(filesystem); code != 0)
        return cannot("read the block bitmaps", path, code);

    Extents used;
    // What lies before the first block, as a boot loader, is in no bitmap.
    append(used, {0, filesystem->super->s_first_data_block * uint64_t{filesystem->blocksize}});
    for (dgrp_t group = 0; group < filesystem->group_desc_count; ++group) {
        const bool checksum_fits = ext2fs_has_group_desc_csum(filesystem) == 0 ||
                                   ext2fs_group_desc_csum_verify(filesystem, group) != 0;
        const uint64_t free = take_group(filesystem, group, used);
        if (!checksum_fits || free != ext2fs_bg_free_blocks_count(filesystem, group) ||
            !has_its_tables(filesystem, group))
            return fail(
                ErrorKind::corrupt,
                fmt::format("the block bitmap of group {} on {} does not fit its descriptor", group, path));
    }
    const uint64_t end = blocks * filesystem->blocksize;
    append(used, {end, size - end});
    return used;
}

}  // namespace belay::backup
