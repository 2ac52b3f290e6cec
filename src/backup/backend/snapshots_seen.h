#pragma once
// What a place has said of its snapshots, by which the next answer is told from this one.

#include "backup/repository/id.h"

#include <vector>

namespace belay::backup {

struct SnapshotsSeen {
    Id listing = {};          ///< digest_of_listing(); of none at all, unless somebody has answered
    std::string mark = {};    ///< the server's own for the same (ETag), as it was sent; empty: it has none
    bool is_awaited = false;  ///< it answers as soon as they are others: it need not be asked every so often
};

/// The same for the same ids, in any order.
Id digest_of_listing(std::vector<Id> ids);

}  // namespace belay::backup
