#include "backup/block/image_plan.h"

#include "backup/repository/chunker.h"

#include <algorithm>
#include <map>

namespace belay::backup {
namespace {

/// Whether a chunk is all zeros, by its id; each size is hashed once.
class ZeroIds {
  public:
    bool has(const Id& id, uint64_t size)
    {
        if (size == 0 || size > Chunker::max_size) return false;
        const auto found = std::ranges::find(sizes_, size, &std::pair<uint64_t, Id>::first);
        if (found != sizes_.end()) return found->second == id;
        // Only sizes that zeros are cut into; of the last chunk of an image one more.
        if (size % Chunker::min_size != 0) return false;
        sizes_.emplace_back(size, Id::of(std::string(size, '\0')));
        return sizes_.back().second == id;
    }

  private:
    std::vector<std::pair<uint64_t, Id>> sizes_;
};

}  // namespace

Result<ImagePlan> ImagePlan::make(const Repository& repository, const Node& image)
{
    ImagePlan plan;
    ZeroIds zeros;
    std::map<Id, size_t> packs;
    uint64_t at = 0;
    for (const Id& id : image.content) {
        const std::optional<StoredBlob> stored = repository.blobs().find(BlobType::data, id);
        if (!stored)
            return fail(ErrorKind::corrupt,
                        fmt::format("the blob {} of {} is in no index", id.short_hex(), image.name));
        const uint64_t size = stored->blob.content_size();
        const bool is_zeros = zeros.has(id, size);
        const size_t number = plan.chunks.size();
        plan.chunks.push_back({id, at, size, is_zeros});
        at += size;
        if (is_zeros || number == 0) continue;
        const auto [place, is_new] = packs.try_emplace(stored->pack, plan.packs.size());
        if (is_new) plan.packs.push_back({stored->pack, {}});
        plan.packs[place->second].parts.push_back({stored->blob, number});
    }
    if (at != image.size)
        return fail(ErrorKind::corrupt,
                    fmt::format("the blobs of {} make {} bytes, and it has {}", image.name, at, image.size));
    for (ImagePack& pack : plan.packs)
        std::ranges::sort(pack.parts, {}, [](const auto& part) { return part.blob.offset; });
    return plan;
}

}  // namespace belay::backup
