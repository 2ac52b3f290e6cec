#include "backup/maintenance/index_rewrite.h"
#include "backup/maintenance/pack_header.h"
#include "backup/maintenance/repair.h"
#include "backup/pipeline/pack_writer.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace belay::backup {
namespace {

class PackRepair {
  public:
    PackRepair(Repository& repository, std::span<const Id> packs, size_t pack_size, RepairObserver& observer,
               PackRepairSummary& summary)
        : repository_(repository), observer_(observer), summary_(summary), writer_(repository, pack_size)
    {
        packs_.insert(packs.begin(), packs.end());
    }

    Result<void> run(const RepositoryLock& lock)
    {
        const std::vector<ListedFile> indexes = TRY(repository_.backend().list(FileKind::index));
        TRY(load_index());
        for (const ListedFile& file : TRY(repository_.backend().list(FileKind::pack))) {
            if (packs_.contains(file.id)) sizes_[file.id] = file.size;
        }
        for (const Id& pack : packs_) {
            if (!known_.contains(pack) && !sizes_.contains(pack))
                return fail(ErrorKind::not_found,
                            fmt::format("there is no pack {}, and no index knows one", pack.hex()),
                            "belay backup check names the damaged ones");
        }
        observer_.begins(packs_.size());
        for (const Id& pack : packs_) {
            TRY(save_blobs(pack));
            ++summary_.packs;
            observer_.advanced();
        }
        count_lost();
        TRY(writer_.finish());
        return remove(indexes, lock);
    }

  private:
    Result<void> load_index()
    {
        std::optional<Error> damaged;
        repository_.blobs() = BlobTable();
        TRY(repository_.load_index([&](const Id& id, const Error& error) {
            damaged = Error{ErrorKind::corrupt,
                            fmt::format("the index {} is damaged: {}", id.short_hex(), error.what),
                            "belay backup repair index comes first"};
        }));
        if (damaged) return std::unexpected(*damaged);
        repository_.blobs().for_each([&](const StoredBlob& stored) {
            if (packs_.contains(stored.pack)) known_[stored.pack].push_back(stored.blob);
        });
        return {};
    }

    /// What lies in a pack by the index and by itself.
    Result<std::vector<PackedBlob>> blobs_of(const Id& pack)
    {
        std::vector<PackedBlob> blobs = known_[pack];
        Result<std::vector<PackedBlob>> header = load_header(repository_, {pack, sizes_[pack]});
        if (header) blobs.insert(blobs.end(), header->begin(), header->end());
        if (!header && header.error().kind != ErrorKind::corrupt) return header;
        std::ranges::sort(blobs, [](const PackedBlob& a, const PackedBlob& b) {
            return std::tie(a.offset, a.id) < std::tie(b.offset, b.id);
        });
        const auto rest = std::ranges::unique(blobs);
        blobs.erase(rest.begin(), rest.end());
        return blobs;
    }

    Result<void> save_blobs(const Id& pack)
    {
        if (!sizes_.contains(pack)) {
            observer_.found(fmt::format("the pack {} is missing and leaves the index", pack.hex()));
            for (const PackedBlob& blob : known_[pack]) unsaved_.insert({blob.type, blob.id});
            return {};
        }
        const std::string bytes = TRY(repository_.backend().load({FileKind::pack, pack}));
        for (const PackedBlob& blob : TRY(blobs_of(pack))) {
            const bool fits = blob.offset <= bytes.size() && blob.length <= bytes.size() - blob.offset;
            const std::string_view sealed =
                fits ? std::string_view(bytes).substr(blob.offset, blob.length) : std::string_view();
            if (!fits || !open_blob(repository_.key(), blob, sealed)) {
                unsaved_.insert({blob.type, blob.id});
            } else if (saved_.insert({blob.type, blob.id}).second) {
                TRY(writer_.put({blob.id, blob.type, std::string(sealed), blob.plain_size}));
                ++summary_.blobs_saved;
            }
        }
        return {};
    }
    void count_lost()
    {
        for (const auto& [type, id] : unsaved_) {
            const std::vector<StoredBlob> places = repository_.blobs().find_all(type, id);
            const bool is_elsewhere = std::ranges::any_of(
                places, [this](const StoredBlob& place) { return !packs_.contains(place.pack); });
            if (is_elsewhere || saved_.contains({type, id})) continue;
            ++summary_.blobs_lost;
            observer_.found(fmt::format("the {} blob {} is lost", name_of(type), id.hex()));
        }
    }

    Result<void> remove(const std::vector<ListedFile>& indexes, const RepositoryLock& lock)
    {
        std::vector<Id> files;
        for (const ListedFile& file : indexes) files.push_back(file.id);
        const IndexRewrite rewrite = TRY(rewrite_index(repository_, files, packs_));
        for (const Id& id : rewrite.replaced) {
            TRY(still_held(lock));
            TRY(repository_.backend().remove({FileKind::index, id}));
        }
        for (const auto& [pack, size] : sizes_) {
            TRY(still_held(lock));
            TRY(repository_.backend().remove({FileKind::pack, pack}));
        }
        return {};
    }

    Repository& repository_;
    RepairObserver& observer_;
    PackRepairSummary& summary_;
    PackWriter writer_;
    std::unordered_set<Id, IdHash> packs_;
    std::unordered_map<Id, std::vector<PackedBlob>, IdHash> known_;  ///< by the index
    std::unordered_map<Id, uint64_t, IdHash> sizes_;                 ///< of those that are there
    std::set<std::pair<BlobType, Id>> saved_, unsaved_;
};

}  // namespace

Result<void> repair_packs(Repository& repository, const RepositoryLock& lock, std::span<const Id> packs,
                          size_t pack_size, RepairObserver& observer, PackRepairSummary& summary)
{
    TRY(PackRepair(repository, packs, pack_size, observer, summary).run(lock));
    repository.blobs() = BlobTable();
    return repository.load_index([](const Id&, const Error&) {});
}

}  // namespace belay::backup
