#pragma once
// Trees as a search reads them: from the roots down, and from a name up to the roots.

#include "backup/catalog/root_snapshots.h"

namespace belay::backup::catalog {

/// Reads trees, and keeps those that it has read as long as there is room. Threads: one at a time.
class TreeReader {
  public:
    static Result<TreeReader> make(Catalog& catalog);

    /// The entries of a tree; none where it is not there. Valid until the next call.
    Result<const std::vector<PackedEntry>*> entries(int64_t tree);
    /// The entry with that name.
    Result<std::optional<PackedEntry>> find(int64_t tree, uint32_t name);

  private:
    Result<const std::vector<PackedEntry>*> keep(int64_t tree, std::string_view row);

    store::SqliteStatement get_;
    std::unordered_map<int64_t, std::vector<PackedEntry>> kept_;
    size_t kept_entries_ = 0;
};

/// Where a folder stands: below a root of a client, with that path; "" is the root.
struct FolderPlace {
    int64_t client = 0;
    std::string path = {};
    auto operator<=>(const FolderPlace&) const = default;
};

/// From a tree up to the roots. Each tree's places are found once. Threads: one at a time.
class WayUp {
  public:
    /// More places of one tree than `most` are left out, and is_cut() says so. The references outlive it.
    static Result<WayUp> make(Catalog& catalog, const RootSnapshots& roots, size_t most);

    /// The places of a tree below the roots that may be looked at. Errors: corrupt, where a tree lies in
    /// itself.
    Result<const std::vector<FolderPlace>*> places(int64_t tree);
    bool is_cut() const { return is_cut_; }

  private:
    WayUp(Catalog& catalog, const RootSnapshots& roots, size_t most)
        : catalog_(catalog), roots_(roots), most_(most)
    {
    }
    struct Parent {
        int64_t tree;
        uint32_t name;
    };
    struct Open {
        int64_t tree;
        std::vector<Parent> parents;
        size_t next = 0;
    };
    Result<void> open(int64_t tree, std::vector<Open>& stack);
    Result<void> close(const Open& done);

    Catalog& catalog_;
    const RootSnapshots& roots_;
    size_t most_;
    store::SqliteStatement above_;
    std::unordered_map<int64_t, std::optional<std::vector<FolderPlace>>> known_;  ///< nothing: on the way
    bool is_cut_ = false;
};

}  // namespace belay::backup::catalog
