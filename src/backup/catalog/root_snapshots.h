#pragma once
// The snapshots that a search may look at, by their root trees.

#include "backup/catalog/search.h"

#include <unordered_map>

namespace belay::backup::catalog {

/// A snapshot in numbers.
struct RootSnapshot {
    int64_t number = 0, tree = 0, client = 0, repository = 0, seconds = 0;
};

class RootSnapshots {
  public:
    static Result<RootSnapshots> load(const Catalog& catalog, const SearchRequest& request);

    /// Newest first.
    const std::vector<RootSnapshot>& all() const { return all_; }
    /// Places in all() of those of a client, newest first.
    const std::vector<uint32_t>& of_client(int64_t client) const;
    /// The clients who have this tree as a root; null where nobody has.
    const std::vector<int64_t>* clients_of(int64_t tree) const;

  private:
    std::vector<RootSnapshot> all_;
    std::unordered_map<int64_t, std::vector<uint32_t>> by_client_;
    std::unordered_map<int64_t, std::vector<int64_t>> clients_by_tree_;
};

}  // namespace belay::backup::catalog
