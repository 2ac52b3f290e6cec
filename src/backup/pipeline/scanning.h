#pragma once
// How much there is to save: for the time that is left.

#include "backup/pipeline/saving.h"

namespace belay::backup {

struct ScanTotals {
    std::atomic<uint64_t> files = 0, folders = 0, bytes = 0;
    std::atomic<bool> is_complete = false;
};

/// Counts what save_paths() will come by. Ends early where `stops` is set. What cannot be read is not
/// counted; it will be told when it is to be saved.
void scan_paths(const SavingOptions& options, ScanTotals& totals, const std::atomic<bool>& stops);

}  // namespace belay::backup
