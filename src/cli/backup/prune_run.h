#pragma once
// A prune as `prune` and `forget --prune` run it.

#include "backup/maintenance/prune.h"
#include "cli/backup/context.h"

namespace belay::cli {

/// The options that both have.
struct PruneWords {
    std::string max_unused, max_repack_size, patience;
    bool cacheable_only = false, small = false, uncompressed = false;

    void declare(OptionTable& options);
    /// Errors: usage.
    Result<backup::PruneOptions> read(const BackupContext& context) const;
};

/// Prunes and says what it did; the exit code. The context holds no lock. Errors: those of
/// prune_repository().
Result<int> run_prune(BackupContext& context, backup::Repository& repository,
                      const backup::PruneOptions& options);

}  // namespace belay::cli
