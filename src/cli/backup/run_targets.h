#pragma once
// What `belay backup run` is told to save and to leave out.

#include "backup/filter/exclusion.h"
#include "cli/backup/options.h"

namespace belay::cli {

struct TargetOptions {
    std::vector<std::string> paths;
    std::vector<std::string> files_from, files_from_verbatim, files_from_raw;

    void declare(OptionTable& options);
    /// All paths; those of files that are not there are told by the one who saves them. Errors: usage, where
    /// none is named; those of the files.
    Result<std::vector<std::string>> all() const;
};

struct ExclusionWords {
    std::vector<std::string> patterns, ipatterns, files, ifiles, marks;
    std::string larger_than;
    bool caches = false;

    void declare(OptionTable& options);
    /// Those that need no file on this machine: patterns.
    void declare_patterns(OptionTable& options);
    /// Errors: usage; those of the files.
    Result<backup::ExclusionOptions> read() const;
};

/// The lines of a file of patterns, without comments and empty ones; variables of the environment as "$HOME"
/// and
/// "${HOME}" are replaced. Errors: those of the file.
Result<std::vector<std::string>> read_pattern_file(const std::string& path);

}  // namespace belay::cli
