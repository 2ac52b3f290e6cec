#include "backup/pipeline/checking.h"
#include "cli/backup/command.h"
#include "cli/backup/large_memory.h"
#include "cli/backup/pack_subset.h"
#include "cli/backup/progress.h"

namespace belay::cli {
namespace {

using backup::CheckingSummary;

class CheckReport final : public backup::CheckingObserver {
  public:
    explicit CheckReport(BackupContext& context) : context_(context) {}

    void error(const std::string& what) override
    {
        if (context_.options().json)
            context_.error_line({{"message_type", "error"}, {"message", what}});
        else
            context_.problem({ErrorKind::corrupt, what});
    }
    void hint(const std::string& what) override
    {
        if (context_.options().json)
            context_.json({{"message_type", "hint"}, {"message", what}});
        else
            context_.note(fmt::format("note: {}\n", clean(context_.style(), what)));
    }

  private:
    BackupContext& context_;
};

class CheckCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.flag("--read-data", read_data_, "read all packs, and hold them against their ids");
        options.value("--read-data-subset", subset_, "PART", "read a part of them: 2/7, 10% or 5G");
        options.flag("--with-cache", with_cache_, "has no effect: there is no cache");
    }

    Result<int> run(BackupContext& context) override
    {
        if (read_data_ && !subset_.empty())
            return fail(ErrorKind::usage, "either all packs are read, or a part of them",
                        "leave out --read-data or --read-data-subset");
        const PackSubset subset = TRY(PackSubset::from_text(subset_));
        let_go_of_large_memory();
        // Nothing that is being checked may be removed meanwhile; who takes no lock vouches for that.
        const bool unlocked = context.options().no_lock;
        backup::Repository* repository =
            TRY(context.open(unlocked ? backup::Access::shared : backup::Access::exclusive));
        backup::CheckingOptions options;
        std::function<bool(const backup::Id&)> chosen;
        if (read_data_) chosen = [](const backup::Id&) { return true; };
        if (!subset_.empty()) chosen = subset.choose(TRY(repository->backend().list(backup::FileKind::pack)));
        options.reads_data = chosen;
        options.begins_to_read = keep_large_memory;
        CheckingSummary summary;
        CheckReport report(context);
        Milliseconds passed{0};
        Result<void> checked;
        {
            const ProgressView view(context, [&summary] { return progress(summary); });
            checked = check_repository(*repository, options, report, summary);
            passed = view.passed();
        }
        if (!checked) return std::unexpected(std::move(checked).error());
        finish(context, summary, passed);
        return static_cast<int>(summary.errors > 0 ? BackupExit::failed : BackupExit::done);
    }

  private:
    static Progress progress(const CheckingSummary& summary)
    {
        if (summary.packs_to_read == 0)
            return {.doing = "reading trees",
                    .unit = "trees",
                    .files_done = summary.trees,
                    .totals_are_known = false,
                    .problems = summary.errors};
        return {.doing = "reading packs",
                .unit = "packs",
                .files_done = summary.packs_read,
                .files_total = summary.packs_to_read,
                .bytes_done = summary.bytes_read,
                .bytes_total = summary.bytes_to_read,
                .problems = summary.errors};
    }

    static void finish(BackupContext& context, const CheckingSummary& summary, Milliseconds passed)
    {
        if (context.options().json) {
            context.json({{"message_type", "summary"},
                          {"num_errors", summary.errors.load()},
                          {"snapshots", summary.snapshots.load()},
                          {"trees", summary.trees.load()},
                          {"packs", summary.packs.load()},
                          {"packs_read", summary.packs_read.load()},
                          {"bytes_read", summary.bytes_read.load()}});
            return;
        }
        std::string text =
            fmt::format("checked {} snapshots, {} trees, {} packs in {}\n", summary.snapshots.load(),
                        summary.trees.load(), summary.packs.load(), to_text(passed));
        if (summary.packs_read > 0)
            text += fmt::format("read {} packs, {}\n", summary.packs_read.load(),
                                to_text(Bytes{summary.bytes_read}));
        context.note(text);
        if (summary.errors == 0) return context.note("no errors were found\n");
        context.say_on_error(
            fmt::format("{} errors were found: what they name is lost or in danger\n"
                        "  next: belay backup repair --help\n",
                        summary.errors.load()));
    }

    bool read_data_ = false, with_cache_ = false;
    std::string subset_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_check_command()
{
    return std::make_unique<CheckCommand>();
}

}  // namespace belay::cli
