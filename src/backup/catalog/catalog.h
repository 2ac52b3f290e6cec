#pragma once
// Every snapshot of every client in every repository, and all their files, in one SQLite file. It is derived
// data: the repositories alone make it anew. This room stores and answers; backup/cataloging feeds it.
//
// A tree blob is kept once, however many snapshots, repositories and clients have it. Tables:
//
//     repository   number, id, location, one_client
//     client       number, identity, repository, host
//     snapshot     number, repository, id, tree, client, time, host, user, paths and tags
//     tree         number, id, entries (entries.h); NULL: named by another tree, and not yet taken in
//     within       name, tree: which trees have an entry of that name
//     above        subtree, tree, name: in which trees a tree stands, and as what
//     name_block, name_hash   the dictionary of names (names.h)
//     loose        tree: nobody may need it any more, or a snapshot that is being taken in will
//
// A snapshot comes last, when all its trees are there: it is there whole or not at all. What a run that died
// has left is taken up by the next.

#include "backup/catalog/model.h"
#include "backup/catalog/names.h"

#include <functional>
#include <span>
#include <unordered_set>

namespace belay::backup::catalog {

/// How the catalog's file is used.
enum class Use : uint8_t {
    read,   ///< beside one who writes
    write,  ///< one at a time; others read meanwhile
    make,   ///< a new file that nobody else knows yet: nothing is kept for the case of a crash
};

/// Threads: one at a time. After an error of a function that writes, what it wrote since the last commit() is
/// gone, and everything but reading fails with the same error.
class Catalog {
  public:
    /// `path` is there already unless it is made. Errors: not_found; corrupt, with the advice to rebuild;
    /// version; those of the system.
    static Result<std::unique_ptr<Catalog>> open(const std::string& path, Use use);
    ~Catalog();
    Catalog(const Catalog&) = delete;
    Catalog& operator=(const Catalog&) = delete;

    // What is there.
    Result<std::vector<RepositoryEntry>> repositories() const;
    /// By their names.
    Result<std::vector<Client>> clients() const;
    /// Those that `said` may mean: a client's key or the beginning of an identity, of at least eight digits,
    /// or a host's name. None where nobody is called so.
    Result<std::vector<Client>> clients_called(std::string_view said) const;
    /// Newest first. Of all clients, or of these.
    Result<std::vector<SnapshotEntry>> snapshots(const std::vector<int64_t>& of_clients = {}) const;
    Result<std::optional<SnapshotEntry>> snapshot(const Id& repository, const Id& id) const;
    Result<std::vector<Id>> snapshot_ids(const Id& repository) const;
    struct Size {
        uint64_t repositories = 0, clients = 0, snapshots = 0, trees = 0, entries = 0, names = 0, bytes = 0;
    };
    /// Reads much of the file.
    Result<Size> size() const;
    Result<bool> is_empty() const;

    // What comes and goes. Everything is there after commit().
    /// Notes a repository; one that is known gets the new location. Where `one_client` is another than it
    /// was, its snapshots go, to be taken in anew.
    Result<void> put_repository(const RepositoryEntry& repository);
    /// With its snapshots.
    Result<void> remove_repository(const Id& repository);
    Result<bool> has_tree(const Id& tree) const;
    /// Stores a tree, if it is not there, and names the trees below it that are not. `is_wanted` of a root.
    /// Errors: corrupt, where an entry has a name that no file can have, or more than the catalog takes.
    Result<std::vector<Id>> put_tree(const Id& tree, std::span<const TreeEntry> entries);
    /// Keeps what is stored below a tree until sweep() is told that nobody waits for it.
    Result<void> expect_root(const Id& tree);
    /// Trees that were named and not taken in: what a run that died has left open.
    Result<std::vector<Id>> missing_trees() const;
    /// Adds a snapshot of a repository that was put. False where some of its trees are missing.
    Result<bool> put_snapshot(const SnapshotEntry& snapshot);
    Result<void> forget(const Id& repository, const Id& snapshot);
    /// Removes the trees that no snapshot and no tree needs but those below `kept`; how many.
    Result<uint64_t> sweep(const std::unordered_set<std::string>& kept_roots = {});
    /// After so many entries since the last one.
    Result<void> commit_if_due();
    Result<void> commit();
    /// Of one that was made: what is written is on the disk, and others may open it.
    Result<void> finish();

    /// Whether everything in it fits together; each thing that does not is told. Errors: those of reading.
    Result<void> check(const std::function<void(const std::string&)>& problem);

    // For search and export.
    const store::SqliteConnection& connection() const { return *connection_; }
    Names& names() { return *names_; }
    Result<int64_t> tree_number(const Id& tree) const;  ///< 0: none

  private:
    struct Statements;
    Catalog(std::unique_ptr<store::SqliteConnection> connection, std::string path, Use use);
    Result<void> prepare();
    Result<void> begin();
    Result<int64_t> named_tree(const Id& tree, bool& is_missing);
    Result<int64_t> client_of(const SnapshotEntry& snapshot, int64_t repository, bool one_client);
    Result<void> flush();
    Result<bool> is_needed(int64_t tree) const;
    Result<void> take_apart(int64_t tree);
    Result<bool> is_complete(int64_t root);
    Result<void> check_snapshots(const std::function<void(const std::string&)>& problem);
    Result<void> check_trees(const std::function<void(const std::string&)>& problem);

    std::unique_ptr<store::SqliteConnection> connection_;
    std::string path_;
    Use use_;
    std::unique_ptr<Statements> statements_;
    std::unique_ptr<Names> names_;
    struct Within {
        uint32_t name;
        int64_t tree;
        auto operator<=>(const Within&) const = default;
    };
    struct Above {
        int64_t subtree, tree;
        uint32_t name;
        auto operator<=>(const Above&) const = default;
    };
    // What goes into the two large tables is sorted first: else each row would touch another page.
    std::vector<Within> within_;
    std::vector<Above> above_;
    std::optional<std::unordered_set<int64_t>> incomplete_;  ///< trees with a missing one below
};

}  // namespace belay::backup::catalog
