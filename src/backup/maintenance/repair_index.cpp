#include "backup/maintenance/index_rewrite.h"
#include "backup/maintenance/pack_header.h"
#include "backup/maintenance/repair.h"
#include "backup/pipeline/workers.h"

#include <algorithm>

namespace belay::backup {
namespace {

bool is_damage(const Error& error)
{
    return error.kind == ErrorKind::corrupt || error.kind == ErrorKind::not_found;
}

class IndexRepair {
  public:
    IndexRepair(Repository& repository, const RepositoryLock& lock, const IndexRepairOptions& options,
                RepairObserver& observer, IndexRepairSummary& summary)
        : repository_(repository), lock_(lock), options_(options), observer_(observer), summary_(summary)
    {
    }

    Result<void> run()
    {
        TRY(load());
        const std::vector<ListedFile> packs = TRY(repository_.backend().list(FileKind::pack));
        summary_.packs = packs.size();
        TRY(read_headers(choose(packs)));
        TRY(replace());
        repository_.blobs() = BlobTable();
        return repository_.load_index([](const Id&, const Error&) {});
    }

  private:
    /// What the index files say so far, pack by pack.
    Result<void> load()
    {
        for (const ListedFile& file : TRY(repository_.backend().list(FileKind::index))) {
            const Result<std::string> text = repository_.load_text({FileKind::index, file.id});
            if (!text && !is_damage(text.error())) return std::unexpected(text.error());
            std::vector<IndexedPack> packs;
            const Result<void> read =
                text ? read_index(*text, [&](IndexedPack pack) { packs.push_back(std::move(pack)); })
                     : std::unexpected(text.error());
            if (!read) {
                observer_.found(fmt::format("the index {} is damaged and goes: {}", file.id.short_hex(),
                                            read.error().what));
                damaged_.push_back(file.id);
                continue;
            }
            sound_.push_back(file.id);
            for (const IndexedPack& pack : packs) remember(pack);
        }
        summary_.damaged_indexes = damaged_.size();
        return {};
    }
    void remember(const IndexedPack& pack)
    {
        std::vector<PackedBlob>& blobs = known_[pack.id];
        for (const PackedBlob& blob : pack.blobs) blobs.push_back(blob);
        std::ranges::sort(blobs, {}, &PackedBlob::offset);
        const auto rest = std::ranges::unique(blobs);
        blobs.erase(rest.begin(), rest.end());
    }

    /// The packs whose headers are read; the others are as the index says.
    std::vector<ListedFile> choose(const std::vector<ListedFile>& packs)
    {
        std::unordered_set<Id, IdHash> there;
        std::vector<ListedFile> chosen;
        for (const ListedFile& pack : packs) {
            there.insert(pack.id);
            const auto known = known_.find(pack.id);
            const bool fits = known != known_.end() && pack_size_of(known->second) == pack.size;
            if (options_.read_all_packs || !fits) chosen.push_back(pack);
        }
        for (const auto& [id, blobs] : known_) {
            if (there.contains(id)) continue;
            observer_.found(fmt::format("the pack {} is missing and leaves the index, with {} blobs",
                                        id.hex(), blobs.size()));
            ++summary_.packs_lost;
            gone_.insert(id);
        }
        return chosen;
    }

    Result<void> read_headers(const std::vector<ListedFile>& packs)
    {
        observer_.begins(packs.size());
        summary_.packs_read = packs.size();
        std::mutex mutex;
        std::optional<Error> error;
        Workers workers(threads_or_all(options_.threads));
        for (const ListedFile& pack : packs) {
            workers.add(Urgency::file, [&, pack] {
                const Result<std::vector<PackedBlob>> header = load_header(repository_, pack);
                const std::lock_guard guard(mutex);
                if (!header && !is_damage(header.error()))
                    error = header.error();
                else
                    compare(pack, header);
                observer_.advanced();
            });
        }
        workers.wait_until_idle();
        if (error) return std::unexpected(*error);
        return {};
    }
    void compare(const ListedFile& pack, const Result<std::vector<PackedBlob>>& header)
    {
        const auto known = known_.find(pack.id);
        if (header) {
            if (known != known_.end() && known->second == *header) return;
            if (known != known_.end()) gone_.insert(pack.id);
            found_.push_back({pack.id, *header});
            return;
        }
        if (known != known_.end()) {
            // By the index, what is left of it can be had.
            observer_.found(
                fmt::format("the pack {} stays as the index has it, for its header cannot be read ({}); "
                            "belay backup repair packs {} saves what is left of it",
                            pack.id.hex(), header.error().what, pack.id.hex()));
            return;
        }
        observer_.found(fmt::format("the pack {} cannot be read and is in no index: {}", pack.id.hex(),
                                    header.error().what));
        ++summary_.packs_lost;
    }

    Result<void> replace()
    {
        std::vector<Id> written = TRY(write_index(repository_, found_));
        std::vector<Id> replaced = damaged_;
        if (!gone_.empty()) {
            const IndexRewrite rewrite = TRY(rewrite_index(repository_, sound_, gone_));
            written.insert(written.end(), rewrite.written.begin(), rewrite.written.end());
            replaced.insert(replaced.end(), rewrite.replaced.begin(), rewrite.replaced.end());
        }
        summary_.files_written = written.size();
        for (const Id& id : replaced) {
            TRY(still_held(lock_));
            TRY(repository_.backend().remove({FileKind::index, id}));
            ++summary_.files_removed;
        }
        return {};
    }

    Repository& repository_;
    const RepositoryLock& lock_;
    const IndexRepairOptions& options_;
    RepairObserver& observer_;
    IndexRepairSummary& summary_;
    std::vector<Id> sound_, damaged_;  ///< index files
    std::unordered_map<Id, std::vector<PackedBlob>, IdHash> known_;
    std::unordered_set<Id, IdHash> gone_;  ///< packs of which the index says what is not so
    std::vector<IndexedPack> found_;
};

}  // namespace

Result<void> repair_index(Repository& repository, const RepositoryLock& lock,
                          const IndexRepairOptions& options, RepairObserver& observer,
                          IndexRepairSummary& summary)
{
    return IndexRepair(repository, lock, options, observer, summary).run();
}

}  // namespace belay::backup
