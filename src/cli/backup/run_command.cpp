#include "backup/pipeline/early_listing.h"
#include "backup/pipeline/saving_stream.h"
#include "backup/pipeline/target_tree.h"
#include "backup/repository/this_process.h"
#include "cli/backup/command.h"
#include "cli/backup/identity_options.h"
#include "cli/backup/run_report.h"
#include "cli/backup/run_targets.h"
#include "cli/backup/times.h"
#include "host/descriptor.h"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace belay::cli {
namespace {

using backup::SavingOptions;
using backup::Snapshot;

class RunCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        targets_.declare(options);
        exclusions_.declare(options);
        options.flag("-n,--dry-run", dry_run_, "read and count, and write nothing");
        options.flag("-x,--one-file-system", one_file_system_, "do not go into other filesystems");
        options.flag("-f,--force", force_, "read everything again, whether it has changed or not");
        options.value("--parent", parent_, "ID",
                      "the snapshot to compare with: the latest of the same paths, unless said");
        options.value("-H,--host", host_, "HOST", "the name of the host, for the snapshot");
        options.values("--tag", tags_, "TAG,...", "tags of the snapshot; may be repeated");
        options.value("--time", time_, "TIME", "the time of the snapshot: now, unless said");
        identity_.declare(options);
        options.flag("--ignore-inode", ignore_inode_, "a file with another inode number may be unchanged");
        options.flag("--ignore-ctime", ignore_ctime_, "a file with another change time may be unchanged");
        options.flag("--with-atime", with_atime_, "save the times of the last access");
        options.flag("--no-scan", no_scan_,
                     "do not count beforehand; the time that is left is not told then");
        options.flag("--skip-if-unchanged", skip_if_unchanged_, "make no snapshot where nothing has changed");
        options.value("--read-concurrency", threads_, "NUMBER",
                      "work with so many threads: one a processor, unless said");
        options.flag("--stdin", stdin_, "save what comes on standard input");
        options.value("--stdin-filename", stdin_name_, "NAME", "what that is called: stdin, unless said");
    }

    Result<int> run(BackupContext& context) override
    {
        SavingOptions options = TRY(read_options(context));
        const std::string identity = TRY(identity_.add_to(options.tags));
        const backup::Exclusion exclusion(TRY(exclusions_.read()));
        options.is_excluded = [&](const std::string& path, bool is_folder, uint64_t size) {
            return exclusion.rejects(path, is_folder, size);
        };
        const backup::TargetTree targets = TRY(backup::TargetTree::of(options.paths));
        std::optional<backup::EarlyListing> early;
        backup::Repository* repository = TRY(context.open_unconfirmed([&] {
            if (!stdin_)
                early.emplace(backup::EarlyListing::Options{targets.whole(), options.one_file_system,
                                                            options.is_excluded});
        }));
        if (early) options.early = &*early;
        options.writer.may_write = [&context] { return context.confirm_lock(); };
        options.is_given_up = &context.given_up();
        if (!stdin_) TRY(find_parent(context, options, identity));
        return save(context, *repository, options);
    }

  private:
    Result<SavingOptions> read_options(const BackupContext& context) const
    {
        SavingOptions options{.excludes = exclusions_.patterns,
                              .hostname = host_.empty() ? backup::host_name() : host_,
                              .username = backup::user_name(),
                              .ignore_inode = ignore_inode_ || ignore_ctime_,
                              .ignore_ctime = ignore_ctime_,
                              .with_atime = with_atime_,
                              .one_file_system = one_file_system_,
                              .program_version = "belay " BELAY_VERSION};
        std::ranges::copy(exclusions_.ipatterns, std::back_inserter(options.excludes));
        if (stdin_ && (!targets_.paths.empty() || !targets_.files_from.empty()))
            return fail(ErrorKind::usage,
                        "--stdin saves what comes on standard input, and no paths beside it");
        if (stdin_)
            options.paths = {"/" + stdin_name_};
        else
            options.paths = TRY(targets_.all());
        for (const auto& list : tag_lists(tags_)) std::ranges::copy(list, std::back_inserter(options.tags));
        std::erase(options.tags, "");
        if (!time_.empty()) options.time = TRY(read_time("--time", time_));
        if (!threads_.empty()) options.threads = TRY(read_count("--read-concurrency", threads_));
        options.writer.compression = TRY(context.compression());
        options.writer.pack_size = TRY(context.pack_size());
        options.writer.dry_run = dry_run_;
        return options;
    }

    Result<void> find_parent(BackupContext& context, SavingOptions& options,
                             const std::string& identity) const
    {
        if (force_) return {};
        const std::vector<Snapshot> all = TRY(context.snapshots());
        if (!parent_.empty()) {
            options.parent = TRY(choose_snapshot(all, parent_, {.hosts = {options.hostname}}));
        } else {
            std::vector<std::string> paths;
            for (const std::string& path : options.paths) {
                std::error_code ignored;
                std::filesystem::path whole = std::filesystem::absolute(path, ignored).lexically_normal();
                if (!whole.has_filename() && whole != whole.root_path()) whole = whole.parent_path();
                paths.push_back(whole.string());
            }
            options.parent = parent_of(all, options.hostname, paths,
                                       options.time.value_or(backup::Timestamp::now()), identity);
        }
        context.note(options.parent
                         ? fmt::format("comparing with snapshot {}\n", options.parent->id.short_hex())
                         : "no snapshot to compare with: everything is read\n");
        return {};
    }

    Result<int> save(BackupContext& context, backup::Repository& repository, SavingOptions& options) const
    {
        backup::SavingSummary summary;
        backup::ScanTotals totals;
        std::atomic<bool> scan_stops = false;
        RunReport report(context, summary, totals);
        options.skip_if_unchanged = skip_if_unchanged_;
        std::jthread scan;
        Milliseconds passed{0};
        Result<void> saved;
        {
            const ProgressView view(context, [&report] { return report.progress(); });
            if (!stdin_ && !no_scan_ && ProgressView::is_seen(context))
                scan = std::jthread([&] { scan_paths(options, totals, scan_stops); });
            saved = stdin_ ? save_stream(repository, options, options.paths.front(), read_standard_input,
                                         report, summary)
                           : save_paths(repository, options, report, summary);
            scan_stops = true;
            passed = view.passed();
        }
        if (!saved) return std::unexpected(std::move(saved).error());
        report.finish(passed, dry_run_);
        return static_cast<int>(summary.problems > 0 ? BackupExit::incomplete : BackupExit::done);
    }

    static Result<size_t> read_standard_input(std::span<char> buffer)
    {
        for (;;) {
            const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
            if (count >= 0) return static_cast<size_t>(count);
            if (errno != EINTR) return std::unexpected(system_error("read standard input", errno));
        }
    }

    TargetOptions targets_;
    ExclusionWords exclusions_;
    IdentityOptions identity_;
    bool dry_run_ = false, one_file_system_ = false, force_ = false, ignore_inode_ = false,
         ignore_ctime_ = false, with_atime_ = false, no_scan_ = false, skip_if_unchanged_ = false,
         stdin_ = false;
    std::string parent_, host_, time_, threads_, stdin_name_ = "stdin";
    std::vector<std::string> tags_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_run_command()
{
    return std::make_unique<RunCommand>();
}

}  // namespace belay::cli
