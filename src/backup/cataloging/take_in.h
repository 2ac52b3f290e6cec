#pragma once
// Feeds the catalog from a repository: what is new there comes, what was forgotten goes.

#include "backup/catalog/catalog.h"
#include "backup/repository/repository.h"

#include <atomic>

namespace belay::backup {

struct TakingIn {
    std::string location = {};  ///< for people
    bool one_client = false;    ///< all snapshots are of one client
    size_t threads = 0;         ///< 0: as many as there are processors
    const std::atomic<bool>* is_given_up = nullptr;
    /// Is told what is damaged and passed over. Threads: any, one at a time.
    std::function<void(const Error&)> problem = [](const Error&) {};
};

/// Threads: any may read it meanwhile.
struct TakenIn {
    std::atomic<uint64_t> snapshots_new = 0, snapshots_gone = 0;
    std::atomic<uint64_t> snapshots_left_out = 0;  ///< damaged, or with a tree that is
    std::atomic<uint64_t> trees = 0, entries = 0;
    std::atomic<uint64_t> trees_expected = 0;  ///< at most: those that the repository has and the catalog not
};

/// Brings the catalog to what the repository holds. Its index is read where there is something new, and a
/// shared lock is held by the caller. A snapshot whose trees are not all sound is told and left out; the next
/// time it is tried again. What is not done when it is given up the next one goes on with. Errors: failed,
/// when it is given up; those of the place and of the catalog.
Result<void> take_in(Repository& repository, catalog::Catalog& catalog, const TakingIn& how, TakenIn& done);

/// What the catalog keeps of a folder. Threads: any.
std::vector<catalog::TreeEntry> catalog_entries(const std::vector<Node>& nodes);

}  // namespace belay::backup
