#include "backup/filter/pattern.h"
#include "backup/pipeline/restoring.h"
#include "backup/view/chosen_tree.h"
#include "cli/backup/command.h"
#include "cli/backup/node_text.h"
#include "cli/backup/progress.h"
#include "cli/backup/run_targets.h"

#include <filesystem>

namespace belay::cli {
namespace {

using backup::RestoringSummary;
using backup::Snapshot;

class RestoreReport final : public backup::RestoringObserver {
  public:
    explicit RestoreReport(BackupContext& context) : context_(context) {}

    void problem(const std::string& path, const Error& error) override
    {
        if (context_.options().json)
            context_.error_line({{"message_type", "error"},
                                 {"error", {{"message", error.what}}},
                                 {"during", "restore"},
                                 {"item", path}});
        else
            context_.problem(error);
    }

  private:
    BackupContext& context_;
};

class RestoreCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.value("-t,--target", target_, "FOLDER",
                      "where it goes; / brings everything back to its place");
        options.values("-i,--include", include_, "PATTERN", "this alone; may be repeated");
        options.values("--iinclude", iinclude_, "PATTERN", "the same, upper and lower case alike");
        options.values("--include-file", include_files_, "FILE", "what the patterns of a file name");
        options.values("-e,--exclude", exclude_, "PATTERN", "all but this; may be repeated");
        options.values("--iexclude", iexclude_, "PATTERN", "the same, upper and lower case alike");
        options.values("--exclude-file", exclude_files_, "FILE", "all but what the patterns of a file name");
        options.flag("--sparse", sparse_, "runs of zeros become holes");
        options.flag("--verify", verify_,
                     "has no effect: contents are held against their ids before they are written");
        options.flag("-n,--dry-run", dry_run_, "say how much it is, and write nothing");
        options.word("snapshot", said_, "the beginning of its id, or latest; ID:/FOLDER for a folder of it");
    }

    Result<int> run(BackupContext& context) override
    {
        if (said_.empty()) return fail(ErrorKind::usage, "no snapshot is named", "belay backup snapshots");
        if (target_.empty())
            return fail(ErrorKind::usage, "no folder is named that it is restored into", "--target FOLDER");
        TRY(read_patterns());
        const backup::Repository* repository = TRY(context.open_with_index());
        const std::vector<Snapshot> all = TRY(context.snapshots());
        const backup::ChosenTree chosen = TRY(choose_tree(*repository, all, said_, TRY(filter_.filter())));
        context.note(fmt::format("restoring {} to {}\n", snapshot_text(context.style(), chosen.snapshot),
                                 clean(context.style(), target_)));
        return restore(context, *repository, chosen);
    }

  private:
    Result<void> read_patterns()
    {
        const auto add = [](backup::PatternList& list, const std::vector<std::string>& patterns,
                            bool ignores_case) -> Result<void> {
            for (const std::string& pattern : patterns) TRY(list.add(pattern, ignores_case));
            return {};
        };
        TRY(add(included_, include_, false));
        TRY(add(included_, iinclude_, true));
        TRY(add(excluded_, exclude_, false));
        TRY(add(excluded_, iexclude_, true));
        for (const std::string& file : include_files_)
            TRY(add(included_, TRY(read_pattern_file(file)), false));
        for (const std::string& file : exclude_files_)
            TRY(add(excluded_, TRY(read_pattern_file(file)), false));
        if (!included_.empty() && !excluded_.empty())
            return fail(ErrorKind::usage, "what is wanted is said by --include or by --exclude, not by both");
        return {};
    }

    Result<int> restore(BackupContext& context, const backup::Repository& repository,
                        const backup::ChosenTree& chosen)
    {
        std::error_code ignored;
        backup::RestoringOptions options{.target = std::filesystem::absolute(target_, ignored).string(),
                                         .sparse = sparse_,
                                         .dry_run = dry_run_};
        if (!included_.empty())
            options.is_wanted = [this](const std::string& path, bool) {
                return included_.judge(path).matches;
            };
        if (!excluded_.empty())
            options.is_wanted = [this](const std::string& path, bool) {
                return !excluded_.judge(path).matches;
            };
        RestoringSummary summary;
        RestoreReport report(context);
        Milliseconds passed{0};
        Result<void> restored;
        {
            const ProgressView view(context, [&summary] {
                return Progress{.doing = "restoring",
                                .files_done = summary.files,
                                .files_total = summary.files,
                                .bytes_done = summary.bytes_done,
                                .bytes_total = summary.bytes,
                                .problems = summary.problems};
            });
            restored = restore_tree(repository, chosen.tree, options, report, summary);
            passed = view.passed();
        }
        if (!restored) return std::unexpected(std::move(restored).error());
        finish(context, summary, passed);
        return static_cast<int>(summary.problems > 0 ? BackupExit::failed : BackupExit::done);
    }

    void finish(BackupContext& context, const RestoringSummary& summary, Milliseconds passed) const
    {
        if (context.options().json) {
            context.json({{"message_type", "summary"},
                          {"seconds_elapsed", passed.count() / 1000},
                          {"total_files", summary.files + summary.folders + summary.others},
                          {"files_restored", summary.files + summary.folders + summary.others},
                          {"total_bytes", summary.bytes.load()},
                          {"bytes_restored", summary.bytes_done - summary.bytes_there},
                          {"bytes_skipped", summary.bytes_there.load()},
                          {"error_count", summary.problems.load()},
                          {"dry_run", dry_run_}});
            return;
        }
        std::string text =
            fmt::format("{} {} files, {} folders, {} others, {} in {}\n",
                        dry_run_ ? "would restore" : "restored", summary.files.load(), summary.folders.load(),
                        summary.others.load(), to_text(Bytes{summary.bytes}), to_text(passed));
        if (summary.bytes_there > 0)
            text += fmt::format("{} of it was there already\n", to_text(Bytes{summary.bytes_there}));
        context.note(text);
        if (summary.problems > 0)
            context.say_on_error(
                fmt::format("{} files or folders were not restored, or not whole\n"
                            "  next: belay backup check --read-data\n",
                            summary.problems.load()));
    }

    FilterOptions filter_;
    std::string said_, target_;
    std::vector<std::string> include_, iinclude_, include_files_, exclude_, iexclude_, exclude_files_;
    backup::PatternList included_, excluded_;
    bool sparse_ = false, verify_ = false, dry_run_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_restore_command()
{
    return std::make_unique<RestoreCommand>();
}

}  // namespace belay::cli
