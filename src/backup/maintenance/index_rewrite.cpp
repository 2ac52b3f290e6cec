#include "backup/maintenance/index_rewrite.h"

#include <set>
#include <tuple>

namespace belay::backup {
namespace {

/// So many files with so few blobs are put together, for each costs whoever opens the repository a round
/// trip.
constexpr size_t small_index = 5000, many_small = 8;

class Rewriting {
  public:
    Rewriting(const Repository& repository, const std::unordered_set<Id, IdHash>& gone)
        : repository_(repository), gone_(gone)
    {
    }

    Result<IndexRewrite> run(std::span<const Id> files)
    {
        std::vector<Id> small;
        for (const Id& file : files) {
            bool speaks_of_gone = false;
            size_t blobs = 0;
            TRY(read(file, [&](const IndexedPack& pack) {
                speaks_of_gone |= gone_.contains(pack.id);
                blobs += pack.blobs.size();
            }));
            if (speaks_of_gone)
                TRY(replace(file));
            else if (blobs < small_index)
                small.push_back(file);
        }
        if (small.size() >= many_small) {
            for (const Id& file : small) TRY(replace(file));
        }
        TRY(flush());
        return std::move(done_);
    }

  private:
    Result<void> read(const Id& file, const std::function<void(IndexedPack)>& each) const
    {
        return read_index(TRY(repository_.load_text({FileKind::index, file})), each);
    }
    Result<void> replace(const Id& file)
    {
        TRY(read(file, [&](IndexedPack pack) {
            if (pack.blobs.empty() || gone_.contains(pack.id)) return;
            // The same pack in two files, as a crash leaves it, stands in one of the new ones.
            if (!seen_
                     .emplace(pack.id, pack.blobs.size(), pack.blobs.front().offset, pack.blobs.back().offset)
                     .second)
                return;
            blobs_ += pack.blobs.size();
            packs_.push_back(std::move(pack));
        }));
        done_.replaced.push_back(file);
        if (blobs_ < blobs_of_full_index) return {};
        return flush();
    }
    Result<void> flush()
    {
        const std::vector<IndexedPack> packs = std::exchange(packs_, {});
        blobs_ = 0;
        for (const Id& id : TRY(write_index(repository_, packs))) done_.written.push_back(id);
        return {};
    }

    const Repository& repository_;
    const std::unordered_set<Id, IdHash>& gone_;
    IndexRewrite done_;
    std::vector<IndexedPack> packs_;
    size_t blobs_ = 0;
    std::set<std::tuple<Id, size_t, uint32_t, uint32_t>> seen_;
};

}  // namespace

Result<IndexRewrite> rewrite_index(const Repository& repository, std::span<const Id> files,
                                   const std::unordered_set<Id, IdHash>& gone)
{
    return Rewriting(repository, gone).run(files);
}

Result<std::vector<Id>> write_index(const Repository& repository, std::span<const IndexedPack> packs)
{
    std::vector<Id> written;
    size_t begin = 0, blobs = 0;
    for (size_t i = 0; i < packs.size(); ++i) {
        blobs += packs[i].blobs.size();
        if (blobs < blobs_of_full_index && i + 1 < packs.size()) continue;
        const std::string text = index_text(packs.subspan(begin, i + 1 - begin));
        written.push_back(TRY(repository.save_text(FileKind::index, text)));
        begin = i + 1;
        blobs = 0;
    }
    return written;
}

}  // namespace belay::backup
