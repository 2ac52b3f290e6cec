#pragma once
// The commands of `belay backup`: each declares its options, and runs.

#include "cli/backup/context.h"
#include "cli/backup/options.h"

#include <span>

namespace belay::cli {

class BackupCommand {
  public:
    virtual ~BackupCommand() = default;
    virtual void declare(OptionTable& options) = 0;
    /// The exit code. Errors: those of what it does; the context tells their exit code.
    virtual Result<int> run(BackupContext& context) = 0;
};

struct BackupCommandKind {
    const char* name;
    const char* meaning;
    const char* example;
    std::unique_ptr<BackupCommand> (*make)();
};

/// Every command, in the order of the help.
std::span<const BackupCommandKind> backup_commands();

std::unique_ptr<BackupCommand> make_init_command();
std::unique_ptr<BackupCommand> make_run_command();
std::unique_ptr<BackupCommand> make_snapshots_command();
std::unique_ptr<BackupCommand> make_ls_command();
std::unique_ptr<BackupCommand> make_find_command();
std::unique_ptr<BackupCommand> make_diff_command();
std::unique_ptr<BackupCommand> make_dump_command();
std::unique_ptr<BackupCommand> make_restore_command();
std::unique_ptr<BackupCommand> make_check_command();
std::unique_ptr<BackupCommand> make_forget_command();
std::unique_ptr<BackupCommand> make_prune_command();
std::unique_ptr<BackupCommand> make_key_command();
std::unique_ptr<BackupCommand> make_copy_command();
std::unique_ptr<BackupCommand> make_rewrite_command();
std::unique_ptr<BackupCommand> make_tag_command();
std::unique_ptr<BackupCommand> make_unlock_command();
std::unique_ptr<BackupCommand> make_repair_command();
std::unique_ptr<BackupCommand> make_stats_command();
std::unique_ptr<BackupCommand> make_mount_command();
std::unique_ptr<BackupCommand> make_save_device_command();
std::unique_ptr<BackupCommand> make_restore_device_command();

}  // namespace belay::cli
