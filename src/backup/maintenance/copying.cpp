#include "backup/maintenance/copying.h"

#include "backup/maintenance/blob_reading.h"
#include "backup/maintenance/used_blobs.h"

#include <algorithm>
#include <set>

namespace belay::backup {
namespace {

Id origin_of(const Snapshot& snapshot)
{
    return snapshot.original.value_or(snapshot.id);
}

/// In all but parent and original, and what newer programs note besides.
bool are_alike(const Snapshot& a, const Snapshot& b)
{
    return a.time == b.time && a.tree == b.tree && a.hostname == b.hostname && a.username == b.username &&
           a.uid == b.uid && a.gid == b.gid && a.paths == b.paths && a.excludes == b.excludes &&
           a.tags == b.tags;
}

std::optional<Id> copy_of(const Snapshot& snapshot, std::span<const Snapshot> there)
{
    const Id origin = origin_of(snapshot);
    for (const Snapshot& other : there) {
        if ((other.id == origin || origin_of(other) == origin) && are_alike(other, snapshot)) return other.id;
    }
    return std::nullopt;
}

/// Everything that the trees need and `to` does not have.
Result<void> copy_blobs(const Repository& from, Repository& to, std::span<const Id> trees,
                        const CopyingOptions& options, CopyingObserver& observer)
{
    UsedBlobs used(from.blobs());
    TRY(used.add_trees(from, trees, options.threads, [] {}));
    std::vector<bool> wanted(from.blobs().size());
    std::set<uint32_t> packs;
    for (uint32_t i = 0; i < wanted.size(); ++i) {
        const PackedBlob blob = from.blobs().at(i).blob;
        if (!used.is_used(blob.type, blob.id) || to.blobs().contains(blob.type, blob.id)) continue;
        if (from.blobs().number_of(blob.type, blob.id) != i) continue;
        wanted[i] = true;
        packs.insert(from.blobs().pack_number_at(i));
    }
    observer.begins(packs.size());
    BlobWriter writer(to, options.writer);
    BlobReading reading;
    reading.threads = options.threads;
    reading.pack_done = [&] { observer.pack_read(); };
    reading.take = [&](const ReadBlob& read) -> Result<void> {
        TRY(writer.put(read.blob.type, read.blob.id, read.content));
        return {};
    };
    const std::vector<uint32_t> numbers(packs.begin(), packs.end());
    TRY(read_blobs(from, numbers, wanted, reading));
    return writer.finish();
}

}  // namespace

bool share_chunks(const Repository& a, const Repository& b)
{
    return a.config().polynomial == b.config().polynomial;
}

Result<void> copy_snapshots(const Repository& from, Repository& to, std::span<const Snapshot> snapshots,
                            const CopyingOptions& options, CopyingObserver& observer)
{
    const std::vector<Snapshot> there = TRY(to.snapshots([](const Id&, const Error&) {}));
    std::vector<const Snapshot*> chosen;
    std::vector<Id> trees;
    for (const Snapshot& snapshot : snapshots) {
        if (const std::optional<Id> copy = copy_of(snapshot, there)) {
            observer.skipped(snapshot, *copy);
            continue;
        }
        chosen.push_back(&snapshot);
        trees.push_back(snapshot.tree);
    }
    if (chosen.empty()) return {};
    TRY(copy_blobs(from, to, trees, options, observer));
    if (options.writer.dry_run) return {};
    for (const Snapshot* snapshot : chosen) {
        Snapshot copy = *snapshot;
        copy.id = {};
        copy.parent.reset();  // the other repository does not know it
        copy.original = origin_of(*snapshot);
        observer.copied(*snapshot, TRY(to.save_text(FileKind::snapshot, copy.to_text())));
    }
    return {};
}

}  // namespace belay::backup
