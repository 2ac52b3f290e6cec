#include "backup/maintenance/pack_uses.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// Of an entry in a pack's header.
uint64_t header_entry(const PackedBlob& blob)
{
    return header_size({&blob, 1});
}

class Measuring {
  public:
    Measuring(const BlobTable& blobs, const UsedBlobs& used) : blobs_(blobs), used_(used)
    {
        uses_.packs.resize(blobs.packs());
        uses_.kept.resize(blobs.size());
        for (size_t i = 0; i < uses_.packs.size(); ++i)
            uses_.packs[i].id = blobs.pack(static_cast<uint32_t>(i));
    }

    Result<PackUses> run(std::span<const ListedFile> listed)
    {
        look_at_files(listed);
        count_single_copies();
        TRY(choose_copies());
        count_the_rest();
        return std::move(uses_);
    }

  private:
    void look_at_files(std::span<const ListedFile> listed)
    {
        std::unordered_map<Id, uint32_t, IdHash> numbers;
        for (uint32_t i = 0; i < uses_.packs.size(); ++i) {
            numbers[uses_.packs[i].id] = i;
            uses_.packs[i].is_there = false;
        }
        for (const ListedFile& file : listed) {
            const auto found = numbers.find(file.id);
            if (found == numbers.end()) {
                uses_.unindexed.push_back(file);
                continue;
            }
            uses_.packs[found->second].is_there = true;
            uses_.packs[found->second].size = file.size;
        }
        std::vector<uint64_t> by_index(uses_.packs.size(), seal_overhead + header_length_size);
        for (uint32_t i = 0; i < blobs_.size(); ++i) {
            const PackedBlob blob = blobs_.at(i).blob;
            by_index[blobs_.pack_number_at(i)] += blob.length + header_entry(blob);
            PackUse& pack = uses_.packs[blobs_.pack_number_at(i)];
            (blob.type == BlobType::tree ? pack.has_trees : pack.has_data) = true;
        }
        for (uint32_t i = 0; i < uses_.packs.size(); ++i)
            uses_.packs[i].is_sound = uses_.packs[i].is_there && uses_.packs[i].size == by_index[i];
    }
    void keep(uint32_t number)
    {
        const PackedBlob blob = blobs_.at(number).blob;
        PackUse& pack = uses_.packs[blobs_.pack_number_at(number)];
        uses_.kept[number] = true;
        ++pack.used_blobs;
        pack.used_bytes += blob.length + header_entry(blob);
        if (!blob.is_compressed())
            (blob.type == BlobType::tree ? pack.has_plain_trees : pack.has_plain_data) = true;
    }

    void count_single_copies()
    {
        for (uint32_t i = 0; i < blobs_.size(); ++i) {
            const PackedBlob blob = blobs_.at(i).blob;
            if (!used_.is_used(blob.type, blob.id)) {
                PackUse& pack = uses_.packs[blobs_.pack_number_at(i)];
                ++pack.unused_blobs;
                pack.unused_bytes += blob.length + header_entry(blob);
            } else if (blobs_.numbers_of(blob.type, blob.id).size() == 1) {
                keep(i);
            }
        }
    }

    /// Of each used blob one copy. What is kept of a pack by now is only what lies nowhere else, and the more
    /// that is against what is unused there, the better are the chances that the pack stays as it is.
    Result<void> choose_copies()
    {
        for (uint32_t i = 0; i < blobs_.size(); ++i) {
            const PackedBlob blob = blobs_.at(i).blob;
            if (!used_.is_used(blob.type, blob.id)) continue;
            const std::vector<uint32_t> copies = blobs_.numbers_of(blob.type, blob.id);
            if (copies.front() != i) continue;
            const uint32_t best = *std::ranges::max_element(copies, [this](uint32_t a, uint32_t b) {
                return worth(blobs_.pack_number_at(a)) < worth(blobs_.pack_number_at(b));
            });
            if (!uses_.packs[blobs_.pack_number_at(best)].is_sound) return lacks(blobs_.at(best));
            if (copies.size() > 1) keep(best);
        }
        return {};
    }
    double worth(uint32_t number) const
    {
        const PackUse& pack = uses_.packs[number];
        if (!pack.is_sound) return -1;
        return static_cast<double>(pack.used_bytes + 1) / static_cast<double>(pack.unused_bytes + 1);
    }
    std::unexpected<Error> lacks(const StoredBlob& stored) const
    {
        const PackUse* pack = nullptr;
        for (const PackUse& one : uses_.packs) {
            if (one.id == stored.pack) pack = &one;
        }
        const bool is_there = pack != nullptr && pack->is_there;
        const std::string why =
            is_there ? fmt::format("which has {} bytes and not what the index says", pack->size)
                     : "which is missing";
        const std::string id = stored.pack.hex();
        return fail(
            ErrorKind::corrupt,
            fmt::format(
                "the {} blob {}, which a snapshot needs, lies in the pack {}, {}: nothing was removed",
                name_of(stored.blob.type), stored.blob.id.short_hex(), id, why),
            fmt::format("put the pack back from a copy; or belay backup repair {}, then repair snapshots",
                        is_there ? "packs " + id : "index"));
    }

    void count_the_rest()
    {
        for (uint32_t i = 0; i < blobs_.size(); ++i) {
            const PackedBlob blob = blobs_.at(i).blob;
            if (uses_.kept[i] || !used_.is_used(blob.type, blob.id)) continue;
            PackUse& pack = uses_.packs[blobs_.pack_number_at(i)];
            ++pack.duplicate_blobs;
            pack.duplicate_bytes += blob.length + header_entry(blob);
        }
    }

    const BlobTable& blobs_;
    const UsedBlobs& used_;
    PackUses uses_;
};

}  // namespace

Result<PackUses> measure_packs(const Repository& repository, const UsedBlobs& used,
                               std::span<const ListedFile> packs)
{
    return Measuring(repository.blobs(), used).run(packs);
}

}  // namespace belay::backup
