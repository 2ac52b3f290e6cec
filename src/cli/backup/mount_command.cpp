#include "backup/mount/mount.h"
#include "cli/backup/command.h"

#include <algorithm>

namespace belay::cli {
namespace {

class MountCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.flag("--allow-other", options_.allow_other, "other users see it");
        options.flag("--no-default-permissions", options_.ignores_permissions,
                     "with --allow-other: they may read everything");
        options.flag("--owner-root", options_.owner_root, "everything belongs to root");
        options.word("folder", options_.folder, "an empty folder");
    }

    Result<int> run(BackupContext& context) override
    {
        if (options_.folder.empty())
            return fail(ErrorKind::usage, "no folder is named that it is mounted on",
                        "belay backup mount /mnt");
        backup::Repository* repository = TRY(context.open_with_index());
        std::vector<backup::Snapshot> all = TRY(context.snapshots());
        const backup::SnapshotFilter filter = TRY(filter_.filter());
        std::vector<backup::Snapshot> chosen = TRY(choose_snapshots(all, {}, filter));
        const size_t count = chosen.size();
        const auto read_again = [&]() -> Result<std::vector<backup::Snapshot>> {
            all = TRY(repository->snapshots([](const backup::Id&, const Error&) {}, all));
            return choose_snapshots(all, {}, filter);
        };
        const std::unique_ptr<backup::Mount> mount =
            TRY(backup::Mount::make(*repository, std::move(chosen), read_again, options_));
        const std::atomic<bool>& given_up = context.given_up();
        bool is_stopped = false;
        context.watch({.tick = [&] {
            if (given_up && !std::exchange(is_stopped, true)) mount->stop();
        }});
        context.note(fmt::format("{} snapshots are in {}; Ctrl-C, or umount {}, ends it\n", count,
                                 options_.folder, options_.folder));
        const Result<void> served = mount->serve();
        context.watch({});
        TRY(served);
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    FilterOptions filter_;
    backup::MountOptions options_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_mount_command()
{
    return std::make_unique<MountCommand>();
}

}  // namespace belay::cli
