#pragma once
// Index files that speak no more of packs that go.

#include "backup/repository/repository.h"

#include <unordered_set>

namespace belay::backup {

struct IndexRewrite {
    std::vector<Id> replaced;  ///< files that can go: what stays of them stands in `written`
    std::vector<Id> written;
};

/// Writes what is left of the index files `files` without the packs `gone`; those that do not speak of them
/// stay as they are, but for many small ones, which become few. Removes nothing. Errors: corrupt, those of
/// the place.
Result<IndexRewrite> rewrite_index(const Repository& repository, std::span<const Id> files,
                                   const std::unordered_set<Id, IdHash>& gone);

/// Writes an index of packs, in files that are not too large; their ids. Errors: those of the place.
Result<std::vector<Id>> write_index(const Repository& repository, std::span<const IndexedPack> packs);

}  // namespace belay::backup
