#include "backup/cataloging/take_in.h"

#include "backup/pipeline/workers.h"
#include "backup/repository/node.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace belay::backup {
namespace {

using catalog::Catalog;
using catalog::SnapshotEntry;
using catalog::TreeEntry;

uint64_t beginning_of(const Id& id)
{
    uint64_t number = 0;
    std::memcpy(&number, id.bytes.data(), sizeof number);
    return number;
}

/// The same for the same content, as far as the repository tells.
uint64_t content_of(const Node& node)
{
    if (node.type == NodeType::symlink) return beginning_of(Id::of(node.link_target));
    if (node.type == NodeType::dev || node.type == NodeType::chardev) return node.device;
    if (node.type != NodeType::file || node.content.empty()) return 0;
    if (node.content.size() == 1) return beginning_of(node.content.front());
    Digest digest;
    for (const Id& blob : node.content) digest.add(blob.raw());
    return beginning_of(digest.id());
}

SnapshotEntry entry_of(const Id& repository, const Snapshot& snapshot)
{
    return {.repository = repository,
            .id = snapshot.id,
            .tree = snapshot.tree,
            .seconds = snapshot.time.seconds,
            .nanoseconds = snapshot.time.nanoseconds,
            .zone_seconds = snapshot.time.zone_seconds,
            .host = snapshot.hostname,
            .user = snapshot.username,
            .paths = snapshot.paths,
            .tags = snapshot.tags};
}

/// Trees from the roots down, by all threads; those that the catalog has are not read. One that is damaged is
/// told, and the others go on.
class TreeTaker {
  public:
    TreeTaker(const Repository& repository, Catalog& catalog, const TakingIn& how, TakenIn& done)
        : repository_(repository),
          catalog_(catalog),
          how_(how),
          done_(done),
          workers_(threads_or_all(how.threads))
    {
    }

    void add(const Id& tree)
    {
        {
            const std::lock_guard lock(mutex_);
            if (!claimed_.insert(tree).second) return;
        }
        workers_.add(Urgency::folder, [this, tree] {
            if (!stopped_) look_at(tree);
        });
    }
    Result<void> finish()
    {
        workers_.wait_until_idle();
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        return {};
    }

  private:
    void look_at(const Id& tree)
    {
        if (how_.is_given_up != nullptr && *how_.is_given_up)
            return stop({ErrorKind::failed, "ended before everything was taken in", "belay catalog refresh"});
        const Result<std::string> text = repository_.load_blob(BlobType::tree, tree);
        const Result<std::vector<Node>> nodes = text ? read_tree(*text) : std::unexpected(text.error());
        if (!nodes) {
            const ErrorKind kind = nodes.error().kind;
            if (kind != ErrorKind::corrupt && kind != ErrorKind::not_found) return stop(nodes.error());
            return tell(fail(kind, fmt::format("tree {}: {}", tree.short_hex(), nodes.error().what)).error());
        }
        const std::vector<TreeEntry> entries = catalog_entries(*nodes);
        Result<std::vector<Id>> missing = put(tree, entries);
        if (!missing) return stop(missing.error());
        ++done_.trees;
        done_.entries += entries.size();
        for (const Id& subtree : *missing) add(subtree);
    }
    Result<std::vector<Id>> put(const Id& tree, const std::vector<TreeEntry>& entries)
    {
        const std::lock_guard lock(mutex_);
        if (error_) return std::vector<Id>();
        std::vector<Id> missing = TRY(catalog_.put_tree(tree, entries));
        TRY(catalog_.commit_if_due());
        return missing;
    }
    void tell(const Error& error)
    {
        const std::lock_guard lock(mutex_);
        how_.problem(error);
    }
    void stop(const Error& error)
    {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
        stopped_ = true;
    }

    const Repository& repository_;
    Catalog& catalog_;
    const TakingIn& how_;
    TakenIn& done_;
    std::mutex mutex_;  ///< of the catalog and all below
    std::unordered_set<Id, IdHash> claimed_;
    std::optional<Error> error_;
    std::atomic<bool> stopped_ = false;
    Workers workers_;  ///< last: its threads end before the rest goes
};

/// The snapshot files that the catalog does not know; what is damaged is told.
Result<std::vector<Snapshot>> read_new(const Repository& repository, const std::vector<Id>& fresh,
                                       const TakingIn& how, TakenIn& done)
{
    std::vector<Snapshot> snapshots;
    for (const Id& id : fresh) {
        const Result<std::string> text = repository.load_text({FileKind::snapshot, id});
        if (!text && text.error().kind == ErrorKind::not_found) continue;  // forgotten meanwhile
        if (!text && text.error().kind != ErrorKind::corrupt) return std::unexpected(text.error());
        Result<Snapshot> snapshot = text ? Snapshot::from_text(*text) : std::unexpected(text.error());
        if (!snapshot) {
            ++done.snapshots_left_out;
            how.problem(fail(ErrorKind::corrupt,
                             fmt::format("snapshot {}: {}", id.short_hex(), snapshot.error().what))
                            .error());
            continue;
        }
        snapshot->id = id;
        snapshots.push_back(*std::move(snapshot));
    }
    std::ranges::sort(snapshots, {}, &Snapshot::time);
    return snapshots;
}

/// How many trees are to be read at most.
uint64_t unknown_trees(const Repository& repository, uint64_t known)
{
    uint64_t trees = 0;
    repository.blobs().for_each([&](const StoredBlob& stored) {
        if (stored.blob.type == BlobType::tree) ++trees;
    });
    return trees > known ? trees - known : 0;
}

}  // namespace

std::vector<TreeEntry> catalog_entries(const std::vector<Node>& nodes)
{
    std::vector<TreeEntry> entries;
    entries.reserve(nodes.size());
    for (const Node& node : nodes) {
        TreeEntry entry{.name = node.name,
                        .type = node.type,
                        .size = node.type == NodeType::file ? node.size : 0,
                        .mtime = node.mtime.seconds};
        if (node.type == NodeType::dir)
            entry.subtree = node.subtree;
        else
            entry.content = content_of(node);
        entries.push_back(std::move(entry));
    }
    return entries;
}

Result<void> take_in(Repository& repository, Catalog& catalog, const TakingIn& how, TakenIn& done)
{
    const Id& place = repository.config().id;
    TRY(catalog.put_repository({.id = place, .location = how.location, .one_client = how.one_client}));
    std::vector<Id> there = ids_of(TRY(repository.backend().list(FileKind::snapshot)));
    std::ranges::sort(there);
    const std::vector<Id> known = TRY(catalog.snapshot_ids(place));
    std::vector<Id> fresh, gone;
    std::ranges::set_difference(there, known, std::back_inserter(fresh));
    std::ranges::set_difference(known, there, std::back_inserter(gone));
    for (const Id& id : gone) TRY(catalog.forget(place, id));
    done.snapshots_gone += gone.size();

    const std::vector<Snapshot> snapshots = TRY(read_new(repository, fresh, how, done));
    std::unordered_set<std::string> kept;  // roots that are tried again the next time
    if (!snapshots.empty()) {
        TRY(repository.load_newer_index([&](const Id&, const Error& error) { how.problem(error); }));
        for (const Snapshot& snapshot : snapshots) TRY(catalog.expect_root(snapshot.tree));
        TRY(catalog.commit());
        std::vector<Id> open;
        for (const Id& tree : TRY(catalog.missing_trees()))
            if (repository.blobs().contains(BlobType::tree, tree)) open.push_back(tree);
        const auto stored = static_cast<uint64_t>(
            TRY(catalog.connection().query_integer("SELECT count(*) FROM tree WHERE entries IS NOT NULL")));
        if (!open.empty()) done.trees_expected += unknown_trees(repository, stored);
        TreeTaker taker(repository, catalog, how, done);
        for (const Id& tree : open) taker.add(tree);
        TRY(taker.finish());
        for (const Snapshot& snapshot : snapshots) {
            if (TRY(catalog.put_snapshot(entry_of(place, snapshot)))) {
                ++done.snapshots_new;
                continue;
            }
            kept.emplace(snapshot.tree.raw());
            ++done.snapshots_left_out;
            how.problem(fail(ErrorKind::corrupt,
                             fmt::format("snapshot {} is left out: not all of its folders could be read",
                                         snapshot.id.short_hex()),
                             "belay backup check")
                            .error());
        }
    }
    TRY(catalog.sweep(kept));
    return catalog.commit();
}

}  // namespace belay::backup
