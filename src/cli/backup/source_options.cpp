#include "cli/backup/source_options.h"

namespace belay::cli {

void SourceOptions::declare(OptionTable& options)
{
    options.value("--from-repo", repo, "PLACE", "the other repository");
    options.value("--from-repository-file", repository_file, "FILE", "a file that holds its place");
    options.value("--from-password-file", password_file, "FILE", "a file that holds its password");
    options.value("--from-password-command", password_command, "COMMAND", "a program that prints it");
    options.value("--from-key-hint", key_hint, "ID", "the key of it to try first");
}

CommonOptions SourceOptions::of(const CommonOptions& own) const
{
    CommonOptions options = own;
    const auto or_else = [](const std::string& said, const char* variable) {
        return said.empty() ? environment(variable) : said;
    };
    options.repo = or_else(repo, "RESTIC_FROM_REPOSITORY");
    options.repository_file = or_else(repository_file, "RESTIC_FROM_REPOSITORY_FILE");
    options.password_file = or_else(password_file, "RESTIC_FROM_PASSWORD_FILE");
    options.password_command = or_else(password_command, "RESTIC_FROM_PASSWORD_COMMAND");
    options.key_hint = or_else(key_hint, "RESTIC_FROM_KEY_HINT");
    return options;
}

}  // namespace belay::cli
