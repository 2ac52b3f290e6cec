#pragma once
// The commands of `belay backup`: each declares its options, and runs.

#include "cli/backup/context.h"
#include "cli/backup/options.h"
#include "cli/invocation.h"

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

/// Commands under one word: `belay backup ...`, `belay catalog ...`.
struct CommandGroup {
    const char* name;
    const char* meaning;
    const char* examples;
    std::span<const BackupCommandKind> commands;  ///< one that is called as the group is the group itself
    void (*declare_common)(CommonOptions& common, OptionTable& options);
};

/// Reads a command line, and runs the command. `words` are those after the group's name; the exit code, as
/// restic's. `network`: of a group with commands that ask a site.
int run_group(const CommandGroup& group, const std::vector<std::string>& words, Console& console,
              const Network* network = nullptr);
/// Every command of the group, as "backup ls", with its options.
std::vector<CommandWords> words_of_group(const CommandGroup& group);

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
std::unique_ptr<BackupCommand> make_identity_command();
std::unique_ptr<BackupCommand> make_fingerprint_command();

}  // namespace belay::cli
