// Whatever /proc/swaps, zpool, zfs, sha256sum and mdir may say: it is refused, or it is understood within its
// limits.

#include "base/invariant.h"
#include "storage/tables.h"

#include <cstddef>
#include <cstdint>

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay::storage;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const SwapArea& area : parse_swaps(text)) INVARIANT(area.path.starts_with('/'));
    if (const auto pools = parse_zpool_list(text)) {
        for (const PoolRow& pool : *pools) INVARIANT(!pool.name.empty());
    }
    if (const auto datasets = parse_zfs_list(text)) {
        for (const DatasetRow& dataset : *datasets) INVARIANT(!dataset.name.empty());
    }
    if (const auto files = parse_digests(text)) {
        for (const FileDigest& file : *files) INVARIANT(file.digest.size() == 64 && !file.path.empty());
    }
    if (const auto files = parse_mdir(text)) {
        for (const std::string& file : *files) INVARIANT(!file.ends_with('/'));
    }
    return 0;
}
