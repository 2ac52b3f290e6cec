#include "backup/filter/pattern.h"
#include "backup/pipeline/verifying.h"
#include "backup/view/chosen_tree.h"
#include "cli/backup/command.h"
#include "cli/backup/large_memory.h"
#include "cli/backup/node_text.h"
#include "cli/backup/progress.h"
#include "cli/backup/run_targets.h"

#include <filesystem>

namespace belay::cli {
namespace {

using backup::RestoringOptions;
using backup::RestoringSummary;
using backup::Snapshot;
using backup::VerifyingSummary;

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
        options.flag("--verify", verify_, "read the files back, and hold them against the snapshot");
        options.flag("-n,--dry-run", dry_run_, "say how much it is, and write nothing");
        options.word("snapshot", said_, "the beginning of its id, or latest; ID:/FOLDER for a folder of it");
    }

    Result<int> run(BackupContext& context) override
    {
        if (said_.empty()) return fail(ErrorKind::usage, "no snapshot is named", "belay backup snapshots");
        if (target_.empty())
            return fail(ErrorKind::usage, "no folder is named that it is restored into", "--target FOLDER");
        if (verify_ && dry_run_)
            return fail(ErrorKind::usage, "what a dry run does not write cannot be verified",
                        "leave out --verify or --dry-run");
        TRY(read_patterns());
        keep_large_memory();
        const backup::Repository* repository = TRY(context.open_unconfirmed({}));
        const std::vector<Snapshot> all = TRY(context.snapshots());
        Result<backup::ChosenTree> found = choose_tree(*repository, all, said_, TRY(filter_.filter()));
        if (!found) TRY(context.confirm_lock());
        const backup::ChosenTree chosen = TRY(std::move(found));
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
        RestoringOptions options = restoring_options();
        // What is to be restored is read while the lock settles.
        options.may_write = [&context] { return context.confirm_lock(); };
        RestoreReport report(context);
        RestoringSummary restored;
        VerifyingSummary verified;
        const auto restoring = [&] {
            return Progress{.doing = "restoring to " + target_,
                            .files_done = restored.files,
                            .files_total = restored.files_total,
                            .bytes_done = restored.bytes_done,
                            .bytes_total = restored.bytes,
                            .problems = restored.problems};
        };
        Milliseconds passed = TRY(watched(context, restoring, [&] {
            return restore_tree(repository, chosen.tree, options, report, restored);
        }));
        say_restored(context, restored, passed);
        if (verify_) {
            const auto verifying = [&] {
                return Progress{.doing = "verifying " + target_,
                                .files_done = verified.files,
                                .files_total = restored.files_total,
                                .bytes_done = verified.bytes,
                                .bytes_total = restored.bytes,
                                .problems = verified.problems};
            };
            const Milliseconds more = TRY(watched(context, verifying, [&] {
                return verify_tree(repository, chosen.tree, options, report, verified);
            }));
            say_verified(context, verified, more);
            passed += more;
        }
        if (context.options().json) context.json(summary_json(restored, verified, passed));
        return static_cast<int>(restored.problems + verified.problems > 0 ? BackupExit::failed
                                                                          : BackupExit::done);
    }

    RestoringOptions restoring_options() const
    {
        std::error_code ignored;
        RestoringOptions options{.target = std::filesystem::absolute(target_, ignored).string(),
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
        return options;
    }

    /// Does it with its progress to be seen; how long it took.
    static Result<Milliseconds> watched(BackupContext& context, const std::function<Progress()>& ask,
                                        const std::function<Result<void>()>& act)
    {
        const ProgressView view(context, ask);
        TRY(act());
        return view.passed();
    }

    void say_restored(BackupContext& context, const RestoringSummary& summary, Milliseconds passed) const
    {
        std::string text = fmt::format(
            "{} {}, {}, {}, {} in {}\n", dry_run_ ? "would restore" : "restored",
            counted(summary.files, "file", "files"), counted(summary.folders, "folder", "folders"),
            counted(summary.others, "other", "others"), to_text(Bytes{summary.bytes}), to_text(passed));
        if (summary.bytes_there > 0)
            text += fmt::format("{} of it was there already\n", to_text(Bytes{summary.bytes_there}));
        context.note(text);
        if (summary.problems > 0 && !context.options().json)
            context.say_on_error(
                fmt::format("{} files or folders were not restored, or not whole\n"
                            "  next: belay backup check --read-data\n",
                            summary.problems.load()));
    }

    static void say_verified(BackupContext& context, const VerifyingSummary& summary, Milliseconds passed)
    {
        context.note(fmt::format("verified {}, {} in {}\n", counted(summary.files, "file", "files"),
                                 to_text(Bytes{summary.bytes}), to_text(passed)));
        if (summary.problems > 0 && !context.options().json)
            context.say_on_error(
                fmt::format("{} files differ from the snapshot, or could not be read\n"
                            "  next: restore once more, which writes what differs\n",
                            summary.problems.load()));
    }

    Json summary_json(const RestoringSummary& restored, const VerifyingSummary& verified,
                      Milliseconds passed) const
    {
        const uint64_t entries = restored.files + restored.folders + restored.others;
        Json json = {{"message_type", "summary"},
                     {"seconds_elapsed", passed.count() / 1000},
                     {"total_files", entries},
                     {"files_restored", entries},
                     {"total_bytes", restored.bytes.load()},
                     {"bytes_restored", restored.bytes_done - restored.bytes_there},
                     {"bytes_skipped", restored.bytes_there.load()},
                     {"error_count", restored.problems + verified.problems},
                     {"dry_run", dry_run_}};
        if (verify_) {
            json["files_verified"] = verified.files.load();
            json["bytes_verified"] = verified.bytes.load();
        }
        return json;
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
