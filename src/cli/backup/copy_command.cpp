#include "backup/maintenance/copying.h"
#include "cli/backup/command.h"
#include "cli/backup/node_text.h"
#include "cli/backup/progress.h"
#include "cli/backup/source_options.h"

namespace belay::cli {
namespace {

using backup::Id;
using backup::Repository;
using backup::Snapshot;

class CopyReport final : public backup::CopyingObserver {
  public:
    explicit CopyReport(BackupContext& context) : context_(context) {}

    void skipped(const Snapshot& snapshot, const Id& other) override
    {
        ++skipped_;
        if (context_.options().verbose > 0)
            context_.note(fmt::format("{} is there already, as {}\n",
                                      snapshot_text(context_.style(), snapshot), other.short_hex()));
    }
    void copied(const Snapshot& snapshot, const Id& copy) override
    {
        ++copied_;
        if (context_.options().json)
            context_.json({{"message_type", "copied"}, {"source", snapshot.id.hex()}, {"id", copy.hex()}});
        context_.note(
            fmt::format("{} copied as {}\n", snapshot_text(context_.style(), snapshot), copy.short_hex()));
    }
    void begins(uint64_t packs) override { packs_ += packs; }
    void pack_read() override { ++packs_read_; }

    Progress progress() const
    {
        return {.doing = "copying",
                .unit = "packs",
                .files_done = packs_read_,
                .files_total = packs_,
                .totals_are_known = packs_ > 0};
    }
    uint64_t copied_count() const { return copied_; }
    uint64_t skipped_count() const { return skipped_; }

  private:
    BackupContext& context_;
    std::atomic<uint64_t> packs_ = 0, packs_read_ = 0, copied_ = 0, skipped_ = 0;
};

class CopyCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        from_.declare(options);
        filter_.declare(options);
        options.words("snapshots", said_,
                      "these alone: ids in the repository that is copied from, or latest");
    }

    Result<int> run(BackupContext& context) override
    {
        BackupContext source(context, from_);
        const Repository* from = TRY(source.open_with_index());
        Repository* to = TRY(context.open_with_index());
        const std::vector<Snapshot> chosen =
            TRY(choose_snapshots(TRY(source.snapshots()), said_, TRY(filter_.filter())));
        if (!share_chunks(*from, *to))
            context.note(
                "note: the two cut files in other places: what is copied and what is saved here share no "
                "data;\n"
                "      belay backup init --copy-chunker-params makes one that does\n");
        backup::CopyingOptions options;
        options.writer.compression = TRY(context.compression());
        options.writer.pack_size = TRY(context.pack_size());
        CopyReport report(context);
        {
            const ProgressView view(context, [&report] { return report.progress(); });
            TRY(copy_snapshots(*from, *to, chosen, options, report));
        }
        context.note(fmt::format("copied {} snapshots, {} were there\n", report.copied_count(),
                                 report.skipped_count()));
        return context.problems() + source.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    SourceOptions from_;
    FilterOptions filter_;
    std::vector<std::string> said_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_copy_command()
{
    return std::make_unique<CopyCommand>();
}

}  // namespace belay::cli
