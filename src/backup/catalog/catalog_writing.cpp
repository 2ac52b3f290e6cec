#include "backup/catalog/statements.h"
#include "base/json.h"
#include "host/descriptor.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace belay::backup::catalog {
namespace {

/// Entries between two commits: some tens of MiB in the WAL.
constexpr size_t due_after = 100'000;
/// SQLite takes rows of 1 GB.
constexpr size_t largest_row = 512U << 20;

}  // namespace

Result<void> Catalog::begin()
{
    if (connection_->in_transaction()) return {};
    return statements_->begin.execute();
}

Result<void> Catalog::put_repository(const RepositoryEntry& repository)
{
    TRY(begin());
    std::optional<int64_t> changed;
    {
        auto run = statements_->repository_number.run(repository.id.raw());
        if (TRY(run.row()) && (run.integer(1) != 0) != repository.one_client) changed = run.integer(0);
    }
    if (changed) {
        for (const Id& id : TRY(snapshot_ids(repository.id))) TRY(forget(repository.id, id));
    }
    return statements_->put_repository.execute(repository.id.raw(), std::string_view(repository.location),
                                               int64_t{repository.one_client});
}

Result<void> Catalog::remove_repository(const Id& repository)
{
    TRY(begin());
    for (const Id& id : TRY(snapshot_ids(repository))) TRY(forget(repository, id));
    int64_t number = 0;
    {
        auto run = statements_->repository_number.run(repository.raw());
        if (TRY(run.row())) number = run.integer(0);
    }
    return statements_->remove_repository.execute(number);
}

Result<int64_t> Catalog::named_tree(const Id& tree, bool& is_missing)
{
    {
        auto run = statements_->find_tree.run(tree.raw());
        if (TRY(run.row())) {
            is_missing = run.integer(1) != 0;
            return run.integer(0);
        }
    }
    is_missing = true;
    TRY(statements_->name_tree.execute(tree.raw()));
    return connection_->last_inserted();
}

Result<std::vector<Id>> Catalog::put_tree(const Id& tree, std::span<const TreeEntry> entries)
{
    TRY(begin());
    bool is_missing = false;
    const int64_t number = TRY(named_tree(tree, is_missing));
    std::vector<Id> missing;
    if (!is_missing) return missing;
    incomplete_.reset();
    std::string row;
    const std::string* before = nullptr;
    for (const TreeEntry& entry : entries) {
        if (!may_be_name(entry.name) || (before != nullptr && *before >= entry.name))
            return fail(ErrorKind::corrupt,
                        fmt::format("the tree {} has an entry with a name that no file can have there",
                                    hex_of(tree).substr(0, 8)));
        before = &entry.name;
        PackedEntry packed{.name = TRY(names_->number_of(entry.name)),
                           .type = entry.type,
                           .size = entry.size,
                           .mtime = entry.mtime,
                           .content = entry.content};
        if (entry.subtree && entry.type == NodeType::dir) {
            bool is_open = false;
            packed.subtree = TRY(named_tree(*entry.subtree, is_open));
            if (is_open) missing.push_back(*entry.subtree);
            above_.push_back({packed.subtree, number, packed.name});
        }
        within_.push_back({packed.name, number});
        pack_entry(packed, row);
        if (row.size() > largest_row)
            return fail(ErrorKind::corrupt, fmt::format("the tree {} has more entries than a folder can have",
                                                        hex_of(tree).substr(0, 8)));
    }
    TRY(statements_->fill_tree.execute(number, std::string_view(row)));
    std::ranges::sort(missing);
    missing.erase(std::ranges::unique(missing).begin(), missing.end());
    return missing;
}

Result<void> Catalog::expect_root(const Id& tree)
{
    TRY(begin());
    bool is_missing = false;
    const int64_t number = TRY(named_tree(tree, is_missing));
    return statements_->put_loose.execute(number);
}

Result<std::vector<Id>> Catalog::missing_trees() const
{
    store::SqliteStatement statement = TRY(connection_->prepare("SELECT id FROM tree WHERE entries IS NULL"));
    std::vector<Id> ids;
    auto run = statement.run();
    while (TRY(run.row())) ids.push_back(id_of_bytes(run.bytes(0)));
    return ids;
}

Result<bool> Catalog::is_complete(int64_t root)
{
    if (!incomplete_) {
        TRY(flush());
        incomplete_.emplace();
        std::vector<int64_t> open;
        {
            store::SqliteStatement statement =
                TRY(connection_->prepare("SELECT number FROM tree WHERE entries IS NULL"));
            auto run = statement.run();
            while (TRY(run.row())) open.push_back(run.integer(0));
        }
        while (!open.empty()) {
            const int64_t tree = open.back();
            open.pop_back();
            if (!incomplete_->insert(tree).second) continue;
            auto run = statements_->trees_above.run(tree);
            while (TRY(run.row())) open.push_back(run.integer(0));
        }
    }
    return !incomplete_->contains(root);
}

Result<int64_t> Catalog::client_of(const SnapshotEntry& snapshot, int64_t repository, bool one_client)
{
    const std::string identity = identity_of(snapshot.tags);
    const int64_t place = identity.empty() ? repository : 0;
    const std::string host = identity.empty() && !one_client ? snapshot.host : std::string();
    {
        auto run = statements_->find_client.run(std::string_view(identity), place, std::string_view(host));
        if (TRY(run.row())) return run.integer(0);
    }
    TRY(statements_->put_client.execute(std::string_view(identity), place, std::string_view(host)));
    return connection_->last_inserted();
}

Result<bool> Catalog::put_snapshot(const SnapshotEntry& snapshot)
{
    TRY(begin());
    int64_t repository = 0;
    bool one_client = false;
    {
        auto run = statements_->repository_number.run(snapshot.repository.raw());
        if (!TRY(run.row()))
            return fail(ErrorKind::not_found, fmt::format("the catalog has no repository {}",
                                                          hex_of(snapshot.repository).substr(0, 8)));
        repository = run.integer(0);
        one_client = run.integer(1) != 0;
    }
    {
        auto run = statements_->find_snapshot.run(repository, snapshot.id.raw());
        if (TRY(run.row())) return true;
    }
    const int64_t tree = TRY(tree_number(snapshot.tree));
    if (tree == 0 || !TRY(is_complete(tree))) return false;
    const int64_t client = TRY(client_of(snapshot, repository, one_client));
    const std::string lists = json_text({{"paths", snapshot.paths}, {"tags", snapshot.tags}});
    TRY(statements_->put_snapshot.execute(repository, snapshot.id.raw(), tree, client, snapshot.seconds,
                                          int64_t{snapshot.nanoseconds}, int64_t{snapshot.zone_seconds},
                                          std::string_view(snapshot.host), std::string_view(snapshot.user),
                                          std::string_view(lists)));
    return true;
}

Result<void> Catalog::forget(const Id& repository, const Id& snapshot)
{
    TRY(begin());
    int64_t repository_number = 0, number = 0, tree = 0;
    {
        auto run = statements_->repository_number.run(repository.raw());
        if (!TRY(run.row())) return {};
        repository_number = run.integer(0);
    }
    {
        auto run = statements_->find_snapshot.run(repository_number, snapshot.raw());
        if (!TRY(run.row())) return {};
        number = run.integer(0);
        tree = run.integer(1);
    }
    TRY(statements_->remove_snapshot.execute(number));
    return statements_->put_loose.execute(tree);
}

Result<bool> Catalog::is_needed(int64_t tree) const
{
    {
        auto run = statements_->has_snapshot.run(tree);
        if (TRY(run.row())) return true;
    }
    auto run = statements_->has_above.run(tree);
    return TRY(run.row());
}

Result<void> Catalog::take_apart(int64_t tree)
{
    std::vector<PackedEntry> entries;
    {
        auto run = statements_->tree_entries.run(tree);
        if (!TRY(run.row())) return {};
        entries = TRY(unpack_entries(run.bytes(0)));
    }
    for (const PackedEntry& entry : entries) {
        TRY(statements_->remove_within.execute(int64_t{entry.name}, tree));
        if (entry.subtree == 0) continue;
        TRY(statements_->remove_above.execute(entry.subtree, tree));
        TRY(statements_->put_loose.execute(entry.subtree));
    }
    return statements_->remove_tree.execute(tree);
}

Result<uint64_t> Catalog::sweep(const std::unordered_set<std::string>& kept_roots)
{
    TRY(begin());
    TRY(flush());
    incomplete_.reset();
    std::unordered_set<int64_t> kept;
    for (const std::string& id : kept_roots) {
        auto run = statements_->find_tree.run(std::string_view(id));
        if (TRY(run.row())) kept.insert(run.integer(0));
    }
    uint64_t removed = 0;
    // A tree that is taken apart makes others loose, before the one at hand, too.
    for (bool again = true; again;) {
        again = false;
        for (int64_t at = 0;;) {
            {
                auto run = statements_->next_loose.run(at);
                if (!TRY(run.row())) break;
                at = run.integer(0);
            }
            if (kept.contains(at)) continue;
            if (!TRY(is_needed(at))) {
                TRY(take_apart(at));
                ++removed;
                again = true;
            }
            TRY(statements_->remove_loose.execute(at));
            if (removed % 10'000 == 9'999) {
                TRY(commit());
                TRY(begin());
            }
        }
    }
    TRY(statements_->drop_idle_clients.execute());
    return removed;
}

Result<void> Catalog::flush()
{
    std::ranges::sort(within_);
    for (const Within& row : within_) TRY(statements_->put_within.execute(int64_t{row.name}, row.tree));
    within_.clear();
    std::ranges::sort(above_);
    for (const Above& row : above_)
        TRY(statements_->put_above.execute(row.subtree, row.tree, int64_t{row.name}));
    above_.clear();
    return names_->flush();
}

Result<void> Catalog::commit_if_due()
{
    if (within_.size() < due_after) return {};
    return commit();
}

Result<void> Catalog::commit()
{
    if (!connection_->in_transaction()) return {};
    TRY(flush());
    TRY(statements_->commit.execute());
    if (use_ == Use::make) return {};
    return connection_->checkpoint_if_due();
}

Result<void> Catalog::finish()
{
    TRY(commit());
    // From now on others read it while somebody writes.
    names_.reset();
    statements_.reset();
    TRY(connection_->execute("PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL;"));
    connection_.reset();
    const host::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0 || ::fsync(file.number()) != 0)
        return std::unexpected(system_error(fmt::format("sync {}", path_), errno));
    use_ = Use::write;
    connection_ = TRY(store::SqliteConnection::open(path_, store::SqliteConnection::Mode::shared));
    return prepare();
}

}  // namespace belay::backup::catalog
