#include "backup/maintenance/prune.h"

#include "backup/maintenance/forgetting.h"
#include "backup/maintenance/index_rewrite.h"
#include "backup/maintenance/pack_uses.h"
#include "backup/maintenance/repacking.h"

#include <algorithm>
#include <set>

namespace belay::backup {
namespace {

using std::chrono::steady_clock;

/// Others who prune or rebuild the index at the same time make what was planned void; not more often than
/// this.
constexpr int most_attempts = 3;

std::unexpected<Error> not_readable(const Id& id, std::string_view what, const Error& error)
{
    return fail(
        ErrorKind::corrupt,
        fmt::format("the {} {} cannot be read, so nobody knows what is needed, and nothing was removed: {}",
                    what, id.short_hex(), error.what),
        what == "index" ? "belay backup repair index" : "belay backup check says more");
}

/// One way from a look at the repository to the removal.
class Pruning {
  public:
    Pruning(Repository& repository, const PruneOptions& options, PruneObserver& observer,
            PruneSummary& summary)
        : repository_(repository), options_(options), observer_(observer), summary_(summary)
    {
    }

    /// Whether it came to its end; not, where others have changed what the plan was made of.
    Result<bool> run()
    {
        {
            const auto lock = TRY(RepositoryLock::take(repository_, Access::shared, options_.settle));
            TRY(look());
            TRY(plan());
            if (options_.dry_run || !has_work()) return true;
            TRY(write());
        }
        const std::unique_ptr<RepositoryLock> lock = TRY(wait_until_alone());
        const auto since = steady_clock::now();
        const bool as_planned = TRY(look_at_what_came());
        if (as_planned) TRY(remove_index(*lock));
        TRY(lock->share());
        summary_.alone += std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - since);
        if (as_planned) TRY(remove_packs(*lock));
        return as_planned;
    }

  private:
    void begins(PrunePhase phase, uint64_t total) const { observer_.begins(phase, total); }

    /// The snapshots, the index and what they need. Which snapshots there are is asked first: of one that a
    /// backup ends with meanwhile, the index that was listed before would not know the blobs.
    Result<void> look()
    {
        repository_.blobs() = BlobTable();
        const std::vector<ListedFile> snapshots = TRY(repository_.backend().list(FileKind::snapshot));
        const std::vector<ListedFile> files = TRY(repository_.backend().list(FileKind::index));
        begins(PrunePhase::index, files.size());
        for (const ListedFile& file : files) {
            TRY(load_index(file.id));
            observer_.advanced(PrunePhase::index, 1);
        }
        used_.emplace(repository_.blobs());
        return look_at(snapshots);
    }

    Result<void> load_index(const Id& id)
    {
        const Result<std::string> text = repository_.load_text({FileKind::index, id});
        if (!text && text.error().kind != ErrorKind::corrupt) return std::unexpected(text.error());
        const Result<void> read = text ? read_index(*text,
                                                    [&](const IndexedPack& pack) {
                                                        speaks_of_gone_ |= gone_.contains(pack.id);
                                                        for (const PackedBlob& blob : pack.blobs)
                                                            repository_.blobs().add(pack.id, blob);
                                                    })
                                       : std::unexpected(text.error());
        if (!read) return not_readable(id, "index", read.error());
        index_files_.insert(id);
        return {};
    }

    /// Marks what those snapshots need that were not looked at before.
    Result<void> look_at(const std::vector<ListedFile>& snapshots)
    {
        std::vector<Id> trees;
        for (const ListedFile& file : snapshots) {
            if (std::ranges::find(options_.without, file.id) != options_.without.end()) continue;
            if (!snapshots_.insert(file.id).second) continue;
            const Result<std::string> text = repository_.load_text({FileKind::snapshot, file.id});
            if (!text && text.error().kind == ErrorKind::not_found) continue;  // forgotten meanwhile
            if (!text && text.error().kind != ErrorKind::corrupt) return std::unexpected(text.error());
            const Result<Snapshot> snapshot =
                text ? Snapshot::from_text(*text) : std::unexpected(text.error());
            if (!snapshot) return not_readable(file.id, "snapshot", snapshot.error());
            trees.push_back(snapshot->tree);
        }
        begins(PrunePhase::trees, 0);
        used_->grow();
        Result<void> marked = used_->add_trees(repository_, trees, options_.threads,
                                               [this] { observer_.advanced(PrunePhase::trees, 1); });
        if (marked ||
            (marked.error().kind != ErrorKind::corrupt && marked.error().kind != ErrorKind::not_found))
            return marked;
        return fail(ErrorKind::corrupt,
                    fmt::format("what the snapshots need is not all there, so nothing was removed: {}",
                                marked.error().what),
                    "belay backup check says more; then belay backup repair index, or repair snapshots");
    }

    Result<void> plan()
    {
        const std::vector<ListedFile> packs = TRY(repository_.backend().list(FileKind::pack));
        uses_ = TRY(measure_packs(repository_, *used_, packs));
        plan_ = plan_prune(uses_.packs, options_.limits, repository_.config().version);
        plan_.figures.packs_unindexed = uses_.unindexed.size();
        for (const ListedFile& file : uses_.unindexed) plan_.figures.unindexed_bytes += file.size;
        summary_.figures = plan_.figures;
        observer_.planned(plan_.figures);
        for (size_t i = 0; i < uses_.packs.size(); ++i) {
            if (plan_.fates[i] != PackFate::keep) gone_.insert(uses_.packs[i].id);
        }
        return {};
    }
    bool has_work() const { return !gone_.empty() || !uses_.unindexed.empty(); }

    /// New packs, their index, and index files without what goes; nothing is taken away from anybody.
    Result<void> write()
    {
        begins(PrunePhase::repack, plan_.figures.packs_repack);
        RepackOptions how;
        how.pack_size = options_.limits.pack_size;
        how.compress = options_.limits.repack_uncompressed;
        how.threads = options_.threads;
        std::vector<uint32_t> packs;
        for (uint32_t i = 0; i < plan_.fates.size(); ++i) {
            if (plan_.fates[i] == PackFate::repack) packs.push_back(i);
        }
        TRY(repack(repository_, packs, uses_.kept, how,
                   [this] { observer_.advanced(PrunePhase::repack, 1); }));
        if (gone_.empty()) return {};
        begins(PrunePhase::rewrite_index, 1);
        const std::vector<Id> files(index_files_.begin(), index_files_.end());
        rewrite_ = TRY(rewrite_index(repository_, files, gone_));
        observer_.advanced(PrunePhase::rewrite_index, 1);
        return {};
    }

    Result<std::unique_ptr<RepositoryLock>> wait_until_alone() const
    {
        begins(PrunePhase::wait, 0);
        const auto until = steady_clock::now() + options_.patience;
        for (;;) {
            Result<std::unique_ptr<RepositoryLock>> lock =
                RepositoryLock::take(repository_, Access::exclusive, options_.settle);
            if (lock || lock.error().kind != ErrorKind::busy || steady_clock::now() >= until) return lock;
            observer_.waits_for(lock.error());
            std::this_thread::sleep_for(options_.look_again);
        }
    }

    /// Whoever has come since the plan was made may need what it would remove: such packs stay. False where
    /// the plan itself is void.
    Result<bool> look_at_what_came()
    {
        const std::vector<ListedFile> files = TRY(repository_.backend().list(FileKind::index));
        std::set<Id> there;
        for (const ListedFile& file : files) there.insert(file.id);
        if (!std::ranges::includes(there, index_files_)) return false;
        const std::set<Id> ours(rewrite_.written.begin(), rewrite_.written.end());
        if (!std::ranges::includes(there, ours)) return false;
        for (const Id& id : there) {
            if (!index_files_.contains(id) && !ours.contains(id)) TRY(load_index(id));
        }
        if (speaks_of_gone_) return false;
        const std::vector<ListedFile> snapshots = TRY(repository_.backend().list(FileKind::snapshot));
        TRY(look_at(snapshots));
        rescue();
        return true;
    }

    /// Keeps packs that hold the only copy of a blob that is needed after all.
    void rescue()
    {
        const BlobTable& blobs = repository_.blobs();
        std::unordered_map<Id, IndexedPack, IdHash> rescued;
        std::unordered_set<Id, IdHash> unsound;
        for (const PackUse& pack : uses_.packs) {
            if (!pack.is_sound) unsound.insert(pack.id);
        }
        for (uint32_t i = 0; i < blobs.size(); ++i) {
            const Id& pack = blobs.pack(blobs.pack_number_at(i));
            if (!gone_.contains(pack) || unsound.contains(pack)) continue;
            const PackedBlob blob = blobs.at(i).blob;
            if (!used_->is_used(blob.type, blob.id)) continue;
            const bool is_elsewhere =
                std::ranges::any_of(blobs.numbers_of(blob.type, blob.id), [&](uint32_t copy) {
                    const Id& other = blobs.pack(blobs.pack_number_at(copy));
                    return !gone_.contains(other) && !unsound.contains(other);
                });
            if (is_elsewhere) continue;
            gone_.erase(pack);
            rescued[pack].id = pack;
        }
        for (uint32_t i = 0; i < blobs.size() && !rescued.empty(); ++i) {
            const auto found = rescued.find(blobs.pack(blobs.pack_number_at(i)));
            if (found != rescued.end()) found->second.blobs.push_back(blobs.at(i).blob);
        }
        for (auto& [id, pack] : rescued) rescued_.push_back(std::move(pack));
        summary_.packs_rescued += rescued_.size();
    }

    Result<void> remove_index(const RepositoryLock& lock)
    {
        TRY(write_index(repository_, rescued_));
        begins(PrunePhase::remove_index, rewrite_.replaced.size());
        TRY(still_held(lock));
        for (const Id& id : rewrite_.replaced) {
            TRY(repository_.backend().remove({FileKind::index, id}));
            ++summary_.index_files_removed;
            observer_.advanced(PrunePhase::remove_index, 1);
        }
        return {};
    }

    /// No index speaks of these packs any more, and whoever begins now does not know them.
    Result<void> remove_packs(const RepositoryLock& lock)
    {
        std::vector<Id> packs;
        for (const PackUse& pack : uses_.packs) {
            if (gone_.contains(pack.id) && pack.is_there) packs.push_back(pack.id);
        }
        std::unordered_set<Id, IdHash> indexed;
        for (uint32_t i = 0; i < repository_.blobs().packs(); ++i)
            indexed.insert(repository_.blobs().pack(i));
        for (const ListedFile& file : uses_.unindexed) {
            if (!indexed.contains(file.id)) packs.push_back(file.id);
        }
        begins(PrunePhase::remove_packs, packs.size());
        for (const Id& id : packs) {
            TRY(still_held(lock));
            TRY(repository_.backend().remove({FileKind::pack, id}));
            ++summary_.packs_removed;
            observer_.advanced(PrunePhase::remove_packs, 1);
        }
        return {};
    }

    Repository& repository_;
    const PruneOptions& options_;
    PruneObserver& observer_;
    PruneSummary& summary_;
    std::set<Id> index_files_, snapshots_;  ///< that were looked at
    std::optional<UsedBlobs> used_;
    PackUses uses_;
    PrunePlan plan_;
    std::unordered_set<Id, IdHash> gone_;  ///< packs that no index shall speak of
    IndexRewrite rewrite_;
    std::vector<IndexedPack> rescued_;
    bool speaks_of_gone_ = false;  ///< an index that came meanwhile does
};

}  // namespace

Result<void> prune_repository(Repository& repository, const PruneOptions& options, PruneObserver& observer,
                              PruneSummary& summary)
{
    if (options.limits.repack_uncompressed && repository.config().version < 2)
        return fail(ErrorKind::usage, "a repository of format version 1 holds nothing compressed",
                    "leave --repack-uncompressed out");
    if (!options.without.empty() && !options.dry_run)
        return fail(ErrorKind::usage, "snapshots that are there count as forgotten in a dry run alone");
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const Result<bool> ended = Pruning(repository, options, observer, summary).run();
        // It knows packs that are gone, and whoever relied on it would save what cannot be restored.
        repository.blobs() = BlobTable();
        if (TRY(ended)) return {};
    }
    return fail(ErrorKind::busy,
                "others prune the repository or rebuild its index, and what was planned became void",
                "run it again when they have ended");
}

}  // namespace belay::backup
