#include "cli/backup/command.h"
#include "cli/backup/prune_run.h"

namespace belay::cli {
namespace {

class PruneCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        words_.declare(options);
        options.flag("-n,--dry-run", dry_run_, "say what would be done, and remove nothing");
    }

    Result<int> run(BackupContext& context) override
    {
        backup::PruneOptions options = TRY(words_.read(context));
        options.dry_run = dry_run_;
        backup::Repository* repository = TRY(context.open(std::nullopt));
        return run_prune(context, *repository, options);
    }

  private:
    PruneWords words_;
    bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_prune_command()
{
    return std::make_unique<PruneCommand>();
}

}  // namespace belay::cli
