#pragma once
// The file config: what a repository is.
// Source: restic's design document, "Repository Layout".

#include "backup/repository/id.h"
#include "backup/repository/polynomial.h"

namespace belay::backup {

struct Config {
    static constexpr unsigned oldest_version = 1, newest_version = 2;

    unsigned version = newest_version;  ///< from 2 on what is stored is compressed
    Id id;                              ///< of the repository; random
    Polynomial polynomial;              ///< of its chunker

    /// A new one, of that version. Errors: failed.
    static Result<Config> make(unsigned version);
    /// Errors: corrupt; version, where it is newer than this program.
    static Result<Config> from_text(std::string_view text);
    std::string to_text() const;
};

}  // namespace belay::backup
