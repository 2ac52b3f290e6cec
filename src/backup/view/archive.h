#pragma once
// A folder of a snapshot as an archive, a file of it as it is: to standard output, or wherever it is wanted.

#include "backup/view/tree_walk.h"

namespace belay::backup {

/// Takes bytes as they come. Errors: end it all.
using WriteBytes = std::function<Result<void>(std::string_view bytes)>;

enum class ArchiveFormat { tar, zip };

/// Writes the content of a file. Errors: those of the repository; where a blob is damaged nothing more is
/// written, so that no hole is taken for content.
Result<void> write_content(const Repository& repository, const Node& file, const WriteBytes& write);

/// Writes all that is below `tree` as an archive by libarchive: pax tar with owners, times, links, devices
/// and extended attributes, or zip. `path` stands before the names. Errors: as write_content; failed.
Result<void> write_archive(const Repository& repository, const Id& tree, const std::string& path,
                           ArchiveFormat format, const WriteBytes& write);

}  // namespace belay::backup
