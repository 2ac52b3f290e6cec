#include "backup/maintenance/rewriting.h"
#include "cli/backup/command.h"
#include "cli/backup/node_text.h"
#include "cli/backup/run_targets.h"

namespace belay::cli {
namespace {

using backup::Id;
using backup::Snapshot;

class RewriteReport final : public backup::RewritingObserver {
  public:
    explicit RewriteReport(BackupContext& context) : context_(context) {}

    void excluded(const Snapshot&, const std::string& path) override
    {
        context_.note(fmt::format("  leaves out {}\n", path_text(context_.style(), path)));
    }
    void done(const Snapshot& snapshot, const std::optional<Id>& fresh) override
    {
        const bool is_same = fresh && *fresh == snapshot.id;
        if (!is_same) ++changed_;
        if (context_.options().json && fresh && !is_same)
            context_.json({{"message_type", "changed"},
                           {"old_snapshot_id", snapshot.id.hex()},
                           {"new_snapshot_id", fresh->hex()}});
        const std::string name = snapshot_text(context_.style(), snapshot);
        if (!fresh)
            context_.note(fmt::format("{} would be rewritten\n", name));
        else
            context_.note(is_same ? fmt::format("{}: nothing to leave out\n", name)
                                  : fmt::format("{}: {} is in its place\n", name, fresh->short_hex()));
    }

    uint64_t changed() const { return changed_; }

  private:
    BackupContext& context_;
    uint64_t changed_ = 0;
};

class RewriteCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        exclusions_.declare_patterns(options);
        options.flag("--forget", forget_, "remove the old snapshots; else they stay beside the new ones");
        options.flag("-n,--dry-run", dry_run_, "say what would be left out, and change nothing");
        options.words("snapshots", said_, "these alone: ids or latest");
    }

    Result<int> run(BackupContext& context) override
    {
        const backup::ExclusionOptions exclusions = TRY(exclusions_.read());
        if (exclusions.patterns.empty())
            return fail(ErrorKind::usage, "nothing is named that snapshots are to be without",
                        "belay backup rewrite --exclude PATTERN");
        backup::Repository* repository = TRY(context.open_with_index());
        if (context.held_lock() == nullptr)
            return fail(ErrorKind::usage, "snapshots are not rewritten without a lock",
                        "leave out --no-lock");
        const std::vector<Snapshot> all = TRY(context.snapshots());
        const std::vector<Snapshot> chosen = TRY(choose_snapshots(all, said_, TRY(filter_.filter())));
        RewriteReport report(context);
        const backup::RewritingOptions options{
            .is_excluded = [&](const std::string& path,
                               bool) { return exclusions.patterns.judge(path).matches; },
            .forget = forget_,
            .dry_run = dry_run_};
        TRY(rewrite_snapshots(*repository, *context.held_lock(), chosen, all, options, report));
        context.note(fmt::format("{} of {} snapshots {}\n", report.changed(), chosen.size(),
                                 dry_run_ ? "would be rewritten" : "rewritten"));
        if (report.changed() > 0 && !forget_ && !dry_run_)
            context.note("  the old ones are still there: belay backup forget ID\n");
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    FilterOptions filter_;
    ExclusionWords exclusions_;
    bool forget_ = false, dry_run_ = false;
    std::vector<std::string> said_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_rewrite_command()
{
    return std::make_unique<RewriteCommand>();
}

}  // namespace belay::cli
