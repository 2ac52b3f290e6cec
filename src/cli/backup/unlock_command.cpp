#include "cli/backup/command.h"

namespace belay::cli {
namespace {

class UnlockCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.flag("--remove-all", all_, "the locks of those who are at work, too: only where nobody is");
    }

    Result<int> run(BackupContext& context) override
    {
        const backup::Repository* repository = TRY(context.open(std::nullopt));
        const size_t removed = TRY(remove_locks(*repository, all_));
        context.note(fmt::format("removed {} locks\n", removed));
        for (const backup::LockFile& lock : TRY(locks_of(*repository)))
            context.note(fmt::format("at work: {}\n", clean(context.style(), lock.owner())));
        return 0;
    }

  private:
    bool all_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_unlock_command()
{
    return std::make_unique<UnlockCommand>();
}

}  // namespace belay::cli
