#include "backup/block/filesystems.h"

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <memory>
#include <sys/stat.h>

// The headers of ntfs-3g are C, and convert as C does.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
extern "C" {
#include <ntfs-3g/types.h>
// after the types
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/logfile.h>
#include <ntfs-3g/runlist.h>
#include <ntfs-3g/volume.h>
}
#undef min
#undef max
#pragma GCC diagnostic pop

namespace belay::backup {
namespace {

template <typename T>
using Owned = std::unique_ptr<T, std::function<void(T*)>>;

using Volume = Owned<ntfs_volume>;

std::unexpected<Error> cannot(std::string_view doing, const std::string& path)
{
    Error error = system_error(fmt::format("{} of the NTFS on {}", doing, path), errno);
    error.kind = ErrorKind::corrupt;
    return std::unexpected(std::move(error));
}

Owned<ntfs_inode> open_inode(ntfs_volume* volume, MFT_REF number)
{
    return {ntfs_inode_open(volume, number), [](ntfs_inode* inode) { ntfs_inode_close(inode); }};
}

/// Whether its bitmap is what is used now: it was unmounted, its log is empty, no Windows sleeps on it.
Result<void> check_ntfs_state(ntfs_volume* volume, const std::string& path)
{
    if ((le16_to_cpu(volume->flags) & le16_to_cpu(VOLUME_IS_DIRTY)) != 0)
        return fail(ErrorKind::refused, fmt::format("the NTFS on {} is marked dirty", path));
    if (ntfs_volume_check_hiberfile(volume, 0) != 0)
        return fail(ErrorKind::refused, fmt::format("the Windows on {} is hibernated", path));
    const Owned<ntfs_inode> inode = open_inode(volume, FILE_LogFile);
    if (!inode) return cannot("open the log", path);
    const Owned<ntfs_attr> log(ntfs_attr_open(inode.get(), AT_DATA, AT_UNNAMED, 0),
                               [](ntfs_attr* attribute) { ntfs_attr_close(attribute); });
    if (!log) return cannot("open the log", path);
    RESTART_PAGE_HEADER* header = nullptr;
    const bool is_clean =
        ntfs_check_logfile(log.get(), &header) != 0 && ntfs_is_logfile_clean(log.get(), header) != 0;
    std::free(header);  // the library has it from malloc
    if (!is_clean) return fail(ErrorKind::refused, fmt::format("the NTFS on {} was not unmounted", path));
    return {};
}

class Bitmap {
  public:
    static Result<Bitmap> read(ntfs_volume* volume, const std::string& path)
    {
        constexpr uint64_t most = uint64_t{4} << 30;  // of 128 TiB in clusters of 4 KiB
        constexpr uint64_t at_once = 1 << 20;
        const auto clusters = static_cast<uint64_t>(volume->nr_clusters);
        const uint64_t size = (clusters + 7) / 8;
        if (volume->lcnbmp_na->data_size < 0 || static_cast<uint64_t>(volume->lcnbmp_na->data_size) < size ||
            size > most)
            return fail(ErrorKind::corrupt,
                        fmt::format("the bitmap of the NTFS on {} has a wrong size", path));
        Bitmap bitmap(clusters);
        bitmap.bytes_.resize(size);
        for (uint64_t at = 0; at < size; at += at_once) {
            const uint64_t count = std::min(at_once, size - at);
            const s64 got = ntfs_attr_pread(volume->lcnbmp_na, static_cast<s64>(at), static_cast<s64>(count),
                                            bitmap.bytes_.data() + at);
            if (got < 0 || static_cast<uint64_t>(got) != count) return cannot("read the bitmap", path);
        }
        return bitmap;
    }

    bool is_used(uint64_t cluster) const { return (bytes_[cluster / 8] >> (cluster % 8) & 1) != 0; }
    /// Whether all of a run is marked as used; none that ends beyond the volume is.
    bool has(const runlist_element& run) const
    {
        const auto begin = static_cast<uint64_t>(run.lcn), length = static_cast<uint64_t>(run.length);
        if (run.length < 0 || begin > clusters_ || length > clusters_ - begin) return false;
        for (uint64_t cluster = begin; cluster < begin + length; ++cluster) {
            if (!is_used(cluster)) return false;
        }
        return true;
    }
    Extents extents(uint64_t cluster_size) const
    {
        Extents used;
        for (uint64_t cluster = 0; cluster < clusters_; ++cluster) {
            if (is_used(cluster)) append(used, {cluster * cluster_size, cluster_size});
        }
        return used;
    }

  private:
    explicit Bitmap(uint64_t clusters) : clusters_(clusters) {}

    uint64_t clusters_;
    std::vector<uint8_t> bytes_;
};

/// Whether all runs of an attribute are marked as used.
bool has_attribute(const ntfs_volume* volume, const ATTR_RECORD* attribute, const Bitmap& bitmap)
{
    const Owned<runlist_element> runs(ntfs_mapping_pairs_decompress(volume, attribute, nullptr),
                                      [](runlist_element* list) { std::free(list); });
    if (!runs) return false;
    for (const runlist_element* run = runs.get(); run->length != 0; ++run) {
        if (run->lcn >= 0 && !bitmap.has(*run)) return false;
    }
    return true;
}

/// Whether all that a file holds is marked as used.
bool has_file(ntfs_inode* inode, const Bitmap& bitmap)
{
    const Owned<ntfs_attr_search_ctx> search(
        ntfs_attr_get_search_ctx(inode, nullptr),
        [](ntfs_attr_search_ctx* one) { ntfs_attr_put_search_ctx(one); });
    if (!search) return false;
    while (ntfs_attr_lookup(AT_UNUSED, nullptr, 0, CASE_SENSITIVE, 0, nullptr, 0, search.get()) == 0) {
        if (search->attr->non_resident != 0 && !has_attribute(inode->vol, search->attr, bitmap)) return false;
    }
    return errno == ENOENT;
}

/// A bitmap has no checksum: what the files hold is held against it.
Result<void> check_files(ntfs_volume* volume, const Bitmap& bitmap, const std::string& path)
{
    const s64 records = volume->mft_na->initialized_size >> volume->mft_record_size_bits;
    for (s64 record = 0; record < records; ++record) {
        errno = 0;
        const Owned<ntfs_inode> inode = open_inode(volume, static_cast<MFT_REF>(record));
        // A record that is free, or that belongs to another one, by which it is looked at.
        if (!inode && errno == ENOENT) continue;
        if (!inode) return cannot(fmt::format("read the file record {}", record), path);
        if (!has_file(inode.get(), bitmap))
            return fail(ErrorKind::corrupt,
                        fmt::format("the bitmap of the NTFS on {} lacks clusters of the file record {}", path,
                                    record));
    }
    return {};
}

}  // namespace

Result<Used> used_by_ntfs(const std::string& path, uint64_t size)
{
    const Volume volume(ntfs_mount(path.c_str(), NTFS_MNT_RDONLY | NTFS_MNT_FORENSIC),
                        [](ntfs_volume* one) { ntfs_umount(one, FALSE); });
    if (!volume) return cannot("read the tables", path);
    TRY(check_ntfs_state(volume.get(), path));
    const uint64_t cluster_size = volume->cluster_size;
    const auto clusters = static_cast<uint64_t>(volume->nr_clusters);
    if (cluster_size == 0 || clusters > size / cluster_size)
        return fail(ErrorKind::corrupt, fmt::format("the NTFS on {} is larger than {} bytes", path, size));
    const Bitmap bitmap = TRY(Bitmap::read(volume.get(), path));
    TRY(check_files(volume.get(), bitmap, path));
    Extents used = bitmap.extents(cluster_size);
    // Behind the last cluster lies the copy of the boot sector.
    const uint64_t end = clusters * cluster_size;
    append(used, {end, size - end});
    return used;
}

}  // namespace belay::backup
