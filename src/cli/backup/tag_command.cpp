#include "backup/maintenance/snapshot_change.h"
#include "cli/backup/command.h"

#include <algorithm>

namespace belay::cli {
namespace {

class TagCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.values("--set", set_, "TAG,...", "these instead of all that are there; '' for none");
        options.values("--add", add_, "TAG,...", "these besides");
        options.values("--remove", remove_, "TAG,...", "without these");
        options.words("snapshots", said_, "these alone: ids or latest");
    }

    Result<int> run(BackupContext& context) override
    {
        backup::TagChange change;
        if (!set_.empty()) change.set = joined(set_);
        change.add = joined(add_);
        change.remove = joined(remove_);
        TRY(change.is_sensible());
        const backup::Repository* repository = TRY(context.open(backup::Access::shared));
        if (context.held_lock() == nullptr)
            return fail(ErrorKind::usage, "tags are not changed without a lock", "leave out --no-lock");
        const std::vector<backup::Snapshot> all = TRY(context.snapshots());
        const std::vector<backup::Snapshot> chosen = TRY(choose_snapshots(all, said_, TRY(filter_.filter())));
        uint64_t changed = 0;
        TRY(change_tags(*repository, *context.held_lock(), chosen, all, change,
                        [&](const backup::Id& old, const backup::Id& fresh) {
                            ++changed;
                            if (context.options().json)
                                context.json({{"message_type", "changed"},
                                              {"old_snapshot_id", old.hex()},
                                              {"new_snapshot_id", fresh.hex()}});
                            if (context.options().verbose > 0)
                                context.note(
                                    fmt::format("{} is {} now\n", old.short_hex(), fresh.short_hex()));
                        }));
        if (context.options().json)
            context.json({{"message_type", "summary"}, {"changed_snapshots", changed}});
        context.note(fmt::format("changed the tags of {} snapshots\n", changed));
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    static std::vector<std::string> joined(const std::vector<std::string>& said)
    {
        std::vector<std::string> tags;
        for (const auto& list : tag_lists(said)) std::ranges::copy(list, std::back_inserter(tags));
        return tags;
    }

    FilterOptions filter_;
    std::vector<std::string> set_, add_, remove_, said_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_tag_command()
{
    return std::make_unique<TagCommand>();
}

}  // namespace belay::cli
