#include "backup/maintenance/repair.h"
#include "cli/backup/command.h"
#include "cli/backup/progress.h"

#include <algorithm>

namespace belay::cli {
namespace {

using backup::Access;
using backup::Id;
using backup::Repository;
using backup::Snapshot;

class RepairReport final : public backup::RepairObserver {
  public:
    explicit RepairReport(BackupContext& context) : context_(context) {}

    void found(const std::string& what) override
    {
        if (context_.options().json)
            context_.json({{"message_type", "found"}, {"message", what}});
        else
            context_.note(clean(context_.style(), what) + '\n');
    }
    void begins(uint64_t total) override
    {
        total_ = total;
        done_ = 0;
    }
    void advanced() override { ++done_; }

    Progress progress() const
    {
        return {.doing = "repairing",
                .unit = "files",
                .files_done = done_,
                .files_total = total_,
                .totals_are_known = total_ > 0};
    }

  private:
    BackupContext& context_;
    std::atomic<uint64_t> total_ = 0, done_ = 0;
};

class RepairCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.flag("--read-all-packs", read_all_, "index: made anew from every pack");
        options.flag("--forget", forget_, "snapshots: remove the damaged ones");
        options.flag("-n,--dry-run", dry_run_, "snapshots: say what would be done, and change nothing");
        options.words("what", words_, "index; packs and their ids; snapshots, and which");
    }

    Result<int> run(BackupContext& context) override
    {
        const std::string what = words_.empty() ? "" : words_.front();
        const std::vector<std::string> rest(words_.empty() ? words_.begin() : words_.begin() + 1,
                                            words_.end());
        if (what != "index" && what != "packs" && what != "snapshots")
            return fail(ErrorKind::usage, "repair mends one of: index, packs ID..., snapshots",
                        "begin with: belay backup repair index");
        if (what != "snapshots" && dry_run_)
            return fail(ErrorKind::usage, "only a repair of snapshots can be tried dry",
                        "belay backup check says what is wrong");
        RepairReport report(context);
        if (what == "index") return mend_index(context, report);
        return what == "packs" ? mend_packs(context, report, rest) : mend_snapshots(context, report, rest);
    }

  private:
    Result<int> mend_index(BackupContext& context, RepairReport& report) const
    {
        Repository* repository = TRY(context.open(Access::exclusive));
        backup::IndexRepairSummary summary;
        {
            const ProgressView view(context, [&report] { return report.progress(); });
            TRY(repair_index(*repository, *context.held_lock(), {.read_all_packs = read_all_}, report,
                             summary));
        }
        if (context.options().json)
            context.json({{"message_type", "summary"},
                          {"packs", summary.packs},
                          {"packs_read", summary.packs_read},
                          {"packs_lost", summary.packs_lost},
                          {"damaged_indexes", summary.damaged_indexes},
                          {"files_written", summary.files_written},
                          {"files_removed", summary.files_removed}});
        context.note(
            fmt::format("{} packs are there, {} were read, {} are lost; {} index files written, {} removed\n"
                        "  next: belay backup check\n",
                        summary.packs, summary.packs_read, summary.packs_lost, summary.files_written,
                        summary.files_removed));
        return 0;
    }

    static Result<int> mend_packs(BackupContext& context, RepairReport& report,
                                  const std::vector<std::string>& said)
    {
        if (said.empty())
            return fail(ErrorKind::usage, "no pack is named",
                        "belay backup check --read-data names those that are damaged");
        Repository* repository = TRY(context.open(Access::exclusive));
        const std::vector<backup::ListedFile> all = TRY(repository->backend().list(backup::FileKind::pack));
        std::vector<Id> packs;
        for (const std::string& one : said) {
            const auto begins_so = [&](const backup::ListedFile& pack) {
                return pack.id.hex().starts_with(one);
            };
            const auto found = std::ranges::find_if(all, begins_so);
            if (found == all.end())
                return fail(ErrorKind::not_found, fmt::format("there is no pack {}", one),
                            "belay backup repair index");
            if (std::ranges::count_if(all, begins_so) > 1)
                return fail(ErrorKind::usage, fmt::format("the ids of several packs begin with {}", one));
            packs.push_back(found->id);
        }
        backup::PackRepairSummary summary;
        {
            const ProgressView view(context, [&report] { return report.progress(); });
            TRY(repair_packs(*repository, *context.held_lock(), packs, TRY(context.pack_size()), report,
                             summary));
        }
        if (context.options().json)
            context.json({{"message_type", "summary"},
                          {"packs", summary.packs},
                          {"blobs_saved", summary.blobs_saved},
                          {"blobs_lost", summary.blobs_lost}});
        context.note(fmt::format(
            "{} blobs of {} packs were saved, {} are lost\n  next: belay backup repair snapshots\n",
            summary.blobs_saved, summary.packs, summary.blobs_lost));
        return 0;
    }

    Result<int> mend_snapshots(BackupContext& context, RepairReport& report,
                               const std::vector<std::string>& said) const
    {
        Repository* repository = TRY(context.open_with_index(Access::exclusive));
        const std::vector<Snapshot> all = TRY(context.snapshots());
        const std::vector<Snapshot> chosen = TRY(choose_snapshots(all, said, TRY(filter_.filter())));
        backup::SnapshotRepairSummary summary;
        {
            const ProgressView view(context, [&report] { return report.progress(); });
            TRY(repair_snapshots(*repository, *context.held_lock(), chosen, all,
                                 {.forget = forget_, .dry_run = dry_run_}, report, summary));
        }
        if (context.options().json)
            context.json({{"message_type", "summary"},
                          {"sound", summary.sound},
                          {"repaired", summary.repaired},
                          {"lost", summary.lost},
                          {"files", summary.files},
                          {"folders", summary.folders}});
        context.note(
            fmt::format("{} snapshots are sound, {} {}, {} lost; {} files and {} folders lack a part\n",
                        summary.sound, summary.repaired, dry_run_ ? "would be repaired" : "repaired",
                        summary.lost, summary.files, summary.folders));
        return 0;
    }

    FilterOptions filter_;
    bool read_all_ = false, forget_ = false, dry_run_ = false;
    std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_repair_command()
{
    return std::make_unique<RepairCommand>();
}

}  // namespace belay::cli
