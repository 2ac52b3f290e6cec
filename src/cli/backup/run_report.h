#pragma once
// What is said of a backup while it runs and at its end.

#include "backup/pipeline/scanning.h"
#include "cli/backup/progress.h"

namespace belay::cli {

/// Threads: any, as its base.
class RunReport final : public backup::SavingObserver {
  public:
    RunReport(BackupContext& context, const backup::SavingSummary& summary, const backup::ScanTotals& totals)
        : context_(context), summary_(summary), totals_(totals)
    {
    }

    void problem(const std::string& path, const Error& error) override;
    void changed_while_read(const std::string& path) override;
    void done(const std::string& path, const backup::Node& node, backup::Compared compared) override;

    Progress progress();
    /// The end of it, for people and for scripts.
    void finish(Milliseconds passed, bool dry_run);

  private:
    BackupContext& context_;
    const backup::SavingSummary& summary_;
    const backup::ScanTotals& totals_;
    std::atomic<uint64_t> files_ = 0, bytes_ = 0;
    std::mutex mutex_;
    std::string current_;
    std::vector<std::string> left_out_, changed_;  ///< named at the end, the first of them
};

}  // namespace belay::cli
