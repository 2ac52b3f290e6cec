#pragma once
// Another repository, beside the one that a command works on.

#include "cli/backup/common_options.h"

namespace belay::cli {

struct SourceOptions {
    static constexpr const char* password_variable = "RESTIC_FROM_PASSWORD";

    std::string repo, repository_file, password_file, password_command, key_hint;

    void declare(OptionTable& options);
    /// The options by which it is opened: those of the command, but for place and password.
    CommonOptions of(const CommonOptions& own) const;
};

}  // namespace belay::cli
