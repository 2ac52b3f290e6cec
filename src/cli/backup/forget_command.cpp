#include "backup/maintenance/forgetting.h"
#include "backup/maintenance/retention.h"
#include "cli/backup/command.h"
#include "cli/backup/group_text.h"
#include "cli/backup/node_text.h"
#include "cli/backup/prune_run.h"

#include <algorithm>

namespace belay::cli {
namespace {

using backup::Id;
using backup::Period;
using backup::Snapshot;

class ForgetCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        count(options, "-l,--keep-last", Period::last, "keep the last so many");
        count(options, "-H,--keep-hourly", Period::hourly, "keep the newest of each of so many hours");
        count(options, "-d,--keep-daily", Period::daily, "of so many days");
        count(options, "-w,--keep-weekly", Period::weekly, "of so many weeks");
        count(options, "-m,--keep-monthly", Period::monthly, "of so many months");
        count(options, "-y,--keep-yearly", Period::yearly, "of so many years; unlimited: of all");
        within(options, "--keep-within", Period::last,
               "keep what is newer than this before the latest: 1y5m7d2h");
        within(options, "--keep-within-hourly", Period::hourly,
               "keep one an hour of what is newer than this");
        within(options, "--keep-within-daily", Period::daily, "one a day");
        within(options, "--keep-within-weekly", Period::weekly, "one a week");
        within(options, "--keep-within-monthly", Period::monthly, "one a month");
        within(options, "--keep-within-yearly", Period::yearly, "one a year");
        options.values("--keep-tag", keep_tags_, "TAG,...", "keep what has all these tags; may be repeated");
        filter_.declare(options, false);
        options.flag("-c,--compact", compact_, "one short line for each");
        options.value("-g,--group-by", group_by_, "WHAT,...", "by host, paths, tags: host,paths unless said");
        options.flag("-n,--dry-run", dry_run_, "say what would go, and remove nothing");
        options.flag("--prune", prune_, "then remove what no snapshot needs any more");
        options.flag("--unsafe-allow-remove-all", allow_all_, "let a policy that keeps nothing remove all");
        prune_words_.declare(options);
        options.words("snapshots", said_, "these alone, by the beginnings of their ids");
    }

    Result<int> run(BackupContext& context) override
    {
        const backup::RetentionPolicy policy = TRY(read_policy());
        const backup::GroupBy by = TRY(backup::GroupBy::from_text(group_by_));
        backup::PruneOptions prune_options = TRY(prune_words_.read(context));
        if (said_.empty() && policy.is_empty() && !allow_all_)
            return fail(ErrorKind::usage, "nothing says which snapshots stay, and so all of them do",
                        "belay backup forget --keep-daily 7 --keep-weekly 5 --dry-run");
        backup::Repository* repository = TRY(context.open());
        const std::vector<Snapshot> all = TRY(context.snapshots());
        const std::vector<Snapshot> chosen = TRY(choose_snapshots(all, said_, TRY(filter_.filter())));
        std::vector<Id> leaving;
        Json groups = Json::array();
        if (!said_.empty())
            for (const Snapshot& snapshot : chosen) leaving.push_back(snapshot.id);
        else
            for (const backup::SnapshotGroup& group : group_snapshots(chosen, by)) {
                const backup::Retained retained = apply_policy(group, policy, backup::Timestamp::now());
                if (retained.keep.empty() && !retained.remove.empty() && !allow_all_)
                    return fail(ErrorKind::refused,
                                fmt::format("the policy keeps none of the {} snapshots of {}",
                                            retained.remove.size(), group_name(by, group)),
                                "belay backup forget --unsafe-allow-remove-all, where that is meant");
                show(context, by, group, retained);
                groups.push_back(to_json(group, retained));
                for (const Snapshot& snapshot : retained.remove) leaving.push_back(snapshot.id);
            }
        if (context.options().json && said_.empty()) context.json(groups);
        TRY(remove(context, *repository, leaving));
        if (!prune_ || leaving.empty())
            return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
        context.unlock();
        prune_options.dry_run = dry_run_;
        if (dry_run_) prune_options.without = leaving;
        return run_prune(context, *repository, prune_options);
    }

  private:
    void count(OptionTable& options, const char* names, Period period, const char* meaning)
    {
        options.value(names, counts_[static_cast<size_t>(period)], "NUMBER", meaning);
    }
    void within(OptionTable& options, const char* names, Period period, const char* meaning)
    {
        options.value(names, withins_[static_cast<size_t>(period)], "SPAN", meaning);
    }

    Result<backup::RetentionPolicy> read_policy() const
    {
        backup::RetentionPolicy policy;
        for (size_t i = 0; i < backup::period_count; ++i) {
            const std::string option = fmt::format("--keep-{}", name_of(static_cast<Period>(i)));
            const std::string& said = counts_[i];
            if (said == "unlimited" || said == "-1")
                policy.count[i] = backup::RetentionPolicy::unlimited;
            else if (!said.empty())
                policy.count[i] = static_cast<int64_t>(TRY(read_count(option.c_str(), said)));
            if (!withins_[i].empty()) policy.within[i] = TRY(backup::SpanBack::from_text(withins_[i]));
        }
        policy.tags = tag_lists(keep_tags_);
        TRY(policy.is_sensible());
        return policy;
    }

    static std::string group_name(const backup::GroupBy& by, const backup::SnapshotGroup& group)
    {
        const std::string heading = group_heading({}, by, group);
        return heading.empty() ? "the repository" : heading.substr(0, heading.size() - 1);
    }

    void show(BackupContext& context, const backup::GroupBy& by, const backup::SnapshotGroup& group,
              const backup::Retained& retained) const
    {
        const Style& style = context.style();
        std::string text = group_heading(style, by, group);
        if (!retained.keep.empty()) {
            std::vector<std::vector<std::string>> rows;
            for (size_t i = 0; i < retained.keep.size(); ++i)
                rows.push_back({retained.keep[i].id.short_hex(), time_text(style, retained.keep[i].time),
                                fmt::format("{}", fmt::join(retained.reasons[i].matches, ", "))});
            std::ranges::reverse(rows);
            text += "stay:\n" + table(style, rows, 2);
        }
        if (!retained.remove.empty()) {
            const std::vector<Snapshot> leaving(retained.remove.rbegin(), retained.remove.rend());
            text += (dry_run_ ? "would go:\n" : "go:\n") + snapshot_table(style, leaving, compact_);
        }
        context.note(text + '\n');
    }

    Result<void> remove(BackupContext& context, const backup::Repository& repository,
                        const std::vector<Id>& leaving) const
    {
        if (dry_run_) {
            context.note(fmt::format("{} snapshots would be removed\n", leaving.size()));
            return {};
        }
        if (leaving.empty()) return {};
        if (context.held_lock() == nullptr)
            return fail(ErrorKind::usage, "snapshots are not removed without a lock", "leave out --no-lock");
        uint64_t count = 0;
        TRY(forget_snapshots(repository, *context.held_lock(), leaving, [&](const Id& id) {
            ++count;
            if (context.options().verbose > 0)
                context.note(fmt::format("removed snapshot {}\n", id.short_hex()));
        }));
        context.note(fmt::format("removed {} snapshots{}\n", count,
                                 prune_ ? "" : "; what they alone needed goes with belay backup prune"));
        return {};
    }

    std::array<std::string, backup::period_count> counts_, withins_;
    FilterOptions filter_;
    PruneWords prune_words_;
    std::vector<std::string> keep_tags_, said_;
    std::string group_by_ = "host,paths";
    bool compact_ = false, dry_run_ = false, prune_ = false, allow_all_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_forget_command()
{
    return std::make_unique<ForgetCommand>();
}

}  // namespace belay::cli
