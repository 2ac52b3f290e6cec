#pragma once
// Where a repository's password comes from.

#include "cli/console.h"

namespace belay::cli {

struct PasswordSource {
    std::string file, command;
    const char* variable = nullptr;  ///< of the environment, may be null
    const char* what = "the repository's password";
};

/// The password: by the program, from the file, from the environment, typed by a person, or the first line of
/// standard input. `twice`: a new one is typed twice. Errors: usage, where it is empty or the two differ;
/// those of file and program, without a word of what they hold.
Result<std::string> read_password(const PasswordSource& source, Console& console, bool twice);

/// A command line as its words; quotes and backslashes as in a shell, and nothing else of it. Errors: usage.
Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace belay::cli
