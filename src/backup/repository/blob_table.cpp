#include "backup/repository/blob_table.h"

#include "base/invariant.h"

namespace belay::backup {
BlobTable::BlobTable() : slots_(1024), pack_slots_(64) {}

uint32_t BlobTable::number_of_pack(const Id& pack)
{
    std::optional<uint32_t> found;
    pack_slots_.visit(IdHash()(pack), [&](uint32_t number) {
        if (packs_[number] == pack) found = number;
        return !found;
    });
    if (found) return *found;
    packs_.push_back(pack);
    const auto number = static_cast<uint32_t>(packs_.size() - 1);
    if (!pack_slots_.is_full(packs_.size())) {
        pack_slots_.put(IdHash()(pack), number);
        return number;
    }
    pack_slots_.reset(pack_slots_.size() * 2);
    for (uint32_t i = 0; i <= number; ++i) pack_slots_.put(IdHash()(packs_[i]), i);
    return number;
}

template <typename Each>
void BlobTable::visit(BlobType type, const Id& id, Each each) const
{
    slots_.visit(IdHash()(id), [&](uint32_t number) {
        const Entry& found = entry(number);
        return found.id != id || (found.is_tree != 0) != (type == BlobType::tree) || each(number, found);
    });
}

void BlobTable::grow_slots()
{
    slots_.reset(slots_.size() * 2);
    for (uint32_t number = 0; number < size_; ++number) slots_.put(IdHash()(entry(number).id), number);
}

bool BlobTable::add(const Id& pack, const PackedBlob& blob)
{
    INVARIANT(blob.length <= INT32_MAX && size_ < UINT32_MAX);
    const uint32_t pack_number = number_of_pack(pack);
    bool is_there = false;
    size_t places = 0;
    visit(blob.type, blob.id, [&](uint32_t, const Entry& found) {
        is_there = found.pack == pack_number && found.offset == blob.offset;
        ++places;
        return !is_there;
    });
    if (is_there) return true;
    if (places >= most_places) return false;
    if (slots_.is_full(size_ + 1)) grow_slots();
    if (size_ % block_entries == 0) blocks_.push_back(std::make_unique_for_overwrite<Entry[]>(block_entries));
    blocks_.back()[size_ % block_entries] = {.id = blob.id,
                                             .pack = pack_number,
                                             .offset = blob.offset,
                                             .length = blob.length & INT32_MAX,
                                             .is_tree = blob.type == BlobType::tree ? 1U : 0U,
                                             .plain_size = blob.plain_size};
    slots_.put(IdHash()(blob.id), static_cast<uint32_t>(size_));
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
    return number_of(type, id).has_value();
}

std::optional<StoredBlob> BlobTable::find(BlobType type, const Id& id) const
{
    const Entry* first = nullptr;
    visit(type, id, [&](uint32_t, const Entry& found) {
        first = &found;
        return false;
    });
    if (first == nullptr) return std::nullopt;
    return stored(*first);
}

std::vector<StoredBlob> BlobTable::find_all(BlobType type, const Id& id) const
{
    std::vector<StoredBlob> all;
    visit(type, id, [&](uint32_t, const Entry& found) {
        all.push_back(stored(found));
        return true;
    });
    return all;
}

std::optional<uint32_t> BlobTable::number_of(BlobType type, const Id& id) const
{
    std::optional<uint32_t> first;
    visit(type, id, [&](uint32_t number, const Entry&) {
        first = number;
        return false;
    });
    return first;
}

std::vector<uint32_t> BlobTable::numbers_of(BlobType type, const Id& id) const
{
    std::vector<uint32_t> all;
    visit(type, id, [&](uint32_t number, const Entry&) {
        all.push_back(number);
        return true;
    });
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
    return blocks_.size() * block_entries * sizeof(Entry) + slots_.memory() + pack_slots_.memory() +
           (packs_.size() * sizeof(Id) / deque_block + 1) * (deque_block + 4 * sizeof(void*));
}

}  // namespace belay::backup
