#pragma once
// From where a path of a machine can be restored: snapshots in any of the catalog's repositories.

#include "backup/catalog/search.h"
#include "cli/catalog/catalog_commands.h"

namespace belay::cli {

struct RestoreSource {
    backup::catalog::SnapshotEntry snapshot;
    backup::Registration registration;
    bool has_newest_content = true;  ///< of the path, up to the time that was asked for
};

/// The newest snapshot that has the path first, then the newest ones of other repositories with the same
/// content; with `older` then those with other contents, the newest first, one for each content and
/// repository. `request` says path, client and time. Errors: not_found, where no snapshot has it, or none of
/// a repository whose place is known.
Result<std::vector<RestoreSource>> restore_sources(backup::catalog::Catalog& catalog,
                                                   const std::vector<backup::Registration>& registrations,
                                                   backup::catalog::SearchRequest request, bool older);

}  // namespace belay::cli
