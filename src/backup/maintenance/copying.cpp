#include "backup/maintenance/copying.h"

#include "backup/maintenance/blob_reading.h"
#include "backup/maintenance/used_blobs.h"

#include <mutex>
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

/// Snapshots that are copied together: one, or several of which none has much that is new.
struct Batch {
    std::vector<const Snapshot*> snapshots;
    std::vector<uint32_t> blobs;  ///< numbers, in the source, of what no batch before needs and `to` lacks
    std::vector<uint32_t> packs;  ///< that they lie in, ascending
};

class Copier {
  public:
    Copier(const Repository& from, Repository& to, const CopyingOptions& options, CopyingObserver& observer)
        : from_(from), to_(to), options_(options), observer_(observer)
    {
    }

    Result<void> run(std::span<const Snapshot* const> snapshots)
    {
        TRY(plan(snapshots));
        uint64_t packs = 0;
        for (const Batch& batch : batches_) packs += batch.packs.size();
        observer_.begins(packs);
        for (const Batch& batch : batches_) {
            TRY(copy_blobs(batch));
            if (options_.writer.dry_run) continue;
            for (const Snapshot* snapshot : batch.snapshots) TRY(copy_snapshot(*snapshot));
        }
        return {};
    }

  private:
    /// A batch that stores less than a pack goes on: else every snapshot would leave packs that are small.
    Result<void> plan(std::span<const Snapshot* const> snapshots)
    {
        Batch batch;
        uint64_t bytes = 0;
        std::mutex mutex;
        UsedBlobs used(from_.blobs(), [&](uint32_t number) {
            const PackedBlob blob = from_.blobs().at(number).blob;
            if (to_.blobs().contains(blob.type, blob.id)) return;
            const std::lock_guard lock(mutex);
            batch.blobs.push_back(number);
            bytes += blob.length;
        });
        for (const Snapshot* snapshot : snapshots) {
            TRY(used.add_trees(from_, {&snapshot->tree, 1}, options_.threads, [] {}));
            batch.snapshots.push_back(snapshot);
            if (bytes < options_.writer.pack_size && snapshot != snapshots.back()) continue;
            std::set<uint32_t> packs;
            for (const uint32_t number : batch.blobs) packs.insert(from_.blobs().pack_number_at(number));
            batch.packs.assign(packs.begin(), packs.end());
            batches_.push_back(std::exchange(batch, {}));
            bytes = 0;
        }
        return {};
    }

    Result<void> copy_blobs(const Batch& batch)
    {
        std::vector<bool> wanted(from_.blobs().size());
        for (const uint32_t number : batch.blobs) wanted[number] = true;
        BlobWriter writer(to_, options_.writer);
        BlobReading reading;
        reading.threads = options_.threads;
        reading.pack_done = [&] { observer_.pack_read(); };
        reading.take = [&](const ReadBlob& read) -> Result<void> {
            TRY(writer.put(read.blob.type, read.blob.id, read.content));
            return {};
        };
        TRY(read_blobs(from_, batch.packs, wanted, reading));
        return writer.finish();
    }

    Result<void> copy_snapshot(const Snapshot& snapshot)
    {
        Snapshot copy = snapshot;
        copy.id = {};
        copy.parent.reset();  // the other repository does not know it
        copy.original = origin_of(snapshot);
        observer_.copied(snapshot, TRY(to_.save_text(FileKind::snapshot, copy.to_text())));
        return {};
    }

    const Repository& from_;
    Repository& to_;
    const CopyingOptions& options_;
    CopyingObserver& observer_;
    std::vector<Batch> batches_;
};

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
    for (const Snapshot& snapshot : snapshots) {
        if (const std::optional<Id> copy = copy_of(snapshot, there))
            observer.skipped(snapshot, *copy);
        else
            chosen.push_back(&snapshot);
    }
    if (chosen.empty()) return {};
    return Copier(from, to, options, observer).run(chosen);
}

}  // namespace belay::backup
