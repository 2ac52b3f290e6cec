#include "backup/repository/blob_table.h"

#include "base/invariant.h"

namespace belay::backup {
namespace {

/// Of the slots so much may be taken: with open addressing a search then looks at about three.
constexpr bool is_full(size_t entries, size_t slots)
{
    return entries * 5 > slots * 4;
}

size_t home_of(const Id& id, size_t slots)
{
    return IdHash()(id) & (slots - 1);
}

}  // namespace

BlobTable::BlobTable() : slots_(1024, empty), pack_slots_(64, empty) {}

size_t BlobTable::slot_of_pack(const Id& pack) const
{
    size_t slot = home_of(pack, pack_slots_.size());
    while (pack_slots_[slot] != empty && packs_[pack_slots_[slot]] != pack)
        slot = (slot + 1) & (pack_slots_.size() - 1);
    return slot;
}

uint32_t BlobTable::number_of_pack(const Id& pack)
{
    if (is_full(packs_.size() + 1, pack_slots_.size())) {
        pack_slots_.assign(pack_slots_.size() * 2, empty);
        for (uint32_t number = 0; number < packs_.size(); ++number)
            pack_slots_[slot_of_pack(packs_[number])] = number;
    }
    uint32_t& number = pack_slots_[slot_of_pack(pack)];
    if (number == empty) {
        number = static_cast<uint32_t>(packs_.size());
        packs_.push_back(pack);
    }
    return number;
}

template <typename Each>
void BlobTable::visit(BlobType type, const Id& id, Each each) const
{
    for (size_t slot = home_of(id, slots_.size()); slots_[slot] != empty;
         slot = (slot + 1) & (slots_.size() - 1)) {
        const Entry& found = entry(slots_[slot]);
        if (found.id == id && (found.is_tree != 0) == (type == BlobType::tree) && !each(found)) return;
    }
}

void BlobTable::put_into_slot(uint32_t number)
{
    size_t slot = home_of(entry(number).id, slots_.size());
    while (slots_[slot] != empty) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = number;
}

void BlobTable::grow_slots()
{
    const size_t slots = slots_.size() * 2;
    // The old ones go first: they follow from the entries, and both at once would be the peak of memory.
    std::vector<uint32_t>().swap(slots_);
    slots_.assign(slots, empty);
    for (uint32_t number = 0; number < size_; ++number) put_into_slot(number);
}

bool BlobTable::add(const Id& pack, const PackedBlob& blob)
{
    INVARIANT(blob.length <= INT32_MAX && size_ < empty);
    const uint32_t pack_number = number_of_pack(pack);
    bool is_there = false;
    size_t places = 0;
    visit(blob.type, blob.id, [&](const Entry& found) {
        is_there = found.pack == pack_number && found.offset == blob.offset;
        ++places;
        return !is_there;
    });
    if (is_there) return true;
    if (places >= most_places) return false;
    if (is_full(size_ + 1, slots_.size())) grow_slots();
    if (size_ % block_entries == 0) blocks_.push_back(std::make_unique_for_overwrite<Entry[]>(block_entries));
    blocks_.back()[size_ % block_entries] = {.id = blob.id,
                                             .pack = pack_number,
                                             .offset = blob.offset,
                                             .length = blob.length & INT32_MAX,
                                             .is_tree = blob.type == BlobType::tree ? 1U : 0U,
                                             .plain_size = blob.plain_size};
    put_into_slot(static_cast<uint32_t>(size_));
    ++size_;
    return true;
}

StoredBlob BlobTable::stored(const Entry& found) const
{
    return {packs_[found.pack],
            {.id = found.id,
             .type = found.is_tree != 0 ? BlobType::tree : BlobType::data,
             .offset = found.offset,
             .length = found.length,
             .plain_size = found.plain_size}};
}

bool BlobTable::contains(BlobType type, const Id& id) const
{
    return find(type, id).has_value();
}

std::optional<StoredBlob> BlobTable::find(BlobType type, const Id& id) const
{
    const Entry* first = nullptr;
    visit(type, id, [&](const Entry& found) {
        first = &found;
        return false;
    });
    if (first == nullptr) return std::nullopt;
    return stored(*first);
}

std::vector<StoredBlob> BlobTable::find_all(BlobType type, const Id& id) const
{
    std::vector<StoredBlob> all;
    visit(type, id, [&](const Entry& found) {
        all.push_back(stored(found));
        return true;
    });
    return all;
}

std::optional<uint32_t> BlobTable::number_of(BlobType type, const Id& id) const
{
    for (size_t slot = home_of(id, slots_.size()); slots_[slot] != empty;
         slot = (slot + 1) & (slots_.size() - 1)) {
        const Entry& found = entry(slots_[slot]);
        if (found.id == id && (found.is_tree != 0) == (type == BlobType::tree)) return slots_[slot];
    }
    return std::nullopt;
}

std::vector<uint32_t> BlobTable::numbers_of(BlobType type, const Id& id) const
{
    std::vector<uint32_t> all;
    for (size_t slot = home_of(id, slots_.size()); slots_[slot] != empty;
         slot = (slot + 1) & (slots_.size() - 1)) {
        const Entry& found = entry(slots_[slot]);
        if (found.id == id && (found.is_tree != 0) == (type == BlobType::tree)) all.push_back(slots_[slot]);
    }
    return all;
}

std::optional<uint64_t> BlobTable::content_size(BlobType type, const Id& id) const
{
    const std::optional<StoredBlob> found = find(type, id);
    if (!found) return std::nullopt;
    return found->blob.content_size();
}

void BlobTable::for_each(const std::function<void(const StoredBlob&)>& each) const
{
    for (uint32_t number = 0; number < size_; ++number) each(stored(entry(number)));
}

size_t BlobTable::memory() const
{
    // A deque has blocks of 512 bytes, and for each a pointer and what the allocator adds.
    constexpr size_t deque_block = 512;
    return blocks_.size() * block_entries * sizeof(Entry) +
           (slots_.capacity() + pack_slots_.capacity()) * sizeof(uint32_t) +
           (packs_.size() * sizeof(Id) / deque_block + 1) * (deque_block + 4 * sizeof(void*));
}

}  // namespace belay::backup
