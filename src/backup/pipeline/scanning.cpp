#include "backup/pipeline/scanning.h"

#include <fts.h>
#include <sys/stat.h>

namespace belay::backup {

void scan_paths(const SavingOptions& options, ScanTotals& totals, const std::atomic<bool>& stops)
{
    for (const std::string& path : options.paths) {
        char* roots[] = {const_cast<char*>(path.c_str()), nullptr};
        const int across = options.one_file_system ? FTS_XDEV : 0;
        const std::unique_ptr<FTS, int (*)(FTS*)> walk(
            ::fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | across, nullptr), ::fts_close);
        if (!walk) continue;
        while (FTSENT* entry = ::fts_read(walk.get())) {
            if (stops) return;
            const bool is_folder = entry->fts_info == FTS_D;
            if (!is_folder && entry->fts_info != FTS_F && entry->fts_info != FTS_SL &&
                entry->fts_info != FTS_DEFAULT)
                continue;
            const auto size = entry->fts_info == FTS_F ? static_cast<uint64_t>(entry->fts_statp->st_size) : 0;
            if (options.is_excluded && options.is_excluded(entry->fts_path, is_folder, size)) {
                ::fts_set(walk.get(), entry, FTS_SKIP);
                continue;
            }
            if (is_folder) ++totals.folders;
            if (entry->fts_info == FTS_F) ++totals.files;
            totals.bytes += size;
        }
    }
    totals.is_complete = true;
}

}  // namespace belay::backup
