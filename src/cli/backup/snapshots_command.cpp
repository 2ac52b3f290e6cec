#include "cli/backup/command.h"
#include "cli/backup/group_text.h"
#include "cli/backup/node_text.h"

#include <algorithm>

namespace belay::cli {
namespace {

using backup::Snapshot;

class SnapshotsCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.flag("-c,--compact", compact_, "one short line for each");
        options.flag("--last", last_, "the last of each host and path alone");
        options.value("--latest", latest_, "NUMBER", "the last so many of each host and path alone");
        options.value("-g,--group-by", group_by_, "WHAT,...", "in groups by host, paths and tags");
        options.words("snapshots", said_, "these alone, by the beginnings of their ids");
    }

    Result<int> run(BackupContext& context) override
    {
        const uint64_t latest = last_ ? 1 : latest_.empty() ? 0 : TRY(read_count("--latest", latest_));
        const backup::GroupBy by = TRY(backup::GroupBy::from_text(group_by_));
        TRY(context.open());
        const std::vector<Snapshot> all = TRY(context.snapshots());
        std::vector<Snapshot> chosen = TRY(choose_snapshots(all, said_, TRY(filter_.filter())));
        if (latest > 0) chosen = last_of_each(chosen, latest);
        if (context.options().json) {
            context.json(group_by_.empty() ? list(chosen) : groups(by, chosen));
        } else if (group_by_.empty()) {
            context.out(snapshot_table(context.style(), chosen, compact_));
        } else {
            for (const backup::SnapshotGroup& group : group_snapshots(chosen, by))
                context.out(group_heading(context.style(), by, group) +
                            snapshot_table(context.style(), oldest_first(group), compact_) + '\n');
        }
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    static Json list(const std::vector<Snapshot>& snapshots)
    {
        Json all = Json::array();
        for (const Snapshot& snapshot : snapshots) all.push_back(snapshot.to_json());
        return all;
    }

    static std::vector<Snapshot> oldest_first(const backup::SnapshotGroup& group)
    {
        return {group.snapshots.rbegin(), group.snapshots.rend()};
    }

    static Json groups(const backup::GroupBy& by, const std::vector<Snapshot>& snapshots)
    {
        Json all = Json::array();
        for (const backup::SnapshotGroup& group : group_snapshots(snapshots, by))
            all.push_back(
                {{"group_key", group_key_json(by, group)}, {"snapshots", list(oldest_first(group))}});
        return all;
    }

    static std::vector<Snapshot> last_of_each(const std::vector<Snapshot>& snapshots, uint64_t count)
    {
        std::vector<Snapshot> last;
        for (const backup::SnapshotGroup& group : group_snapshots(snapshots, {.host = true, .paths = true})) {
            const auto most = static_cast<ptrdiff_t>(std::min<uint64_t>(count, group.snapshots.size()));
            std::copy_n(group.snapshots.begin(), most, std::back_inserter(last));
        }
        std::ranges::stable_sort(last, {}, &Snapshot::time);
        return last;
    }

    FilterOptions filter_;
    bool compact_ = false, last_ = false;
    std::string latest_, group_by_;
    std::vector<std::string> said_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_snapshots_command()
{
    return std::make_unique<SnapshotsCommand>();
}

}  // namespace belay::cli
