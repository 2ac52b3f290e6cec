#include "backup/repository/pack_builder.h"

#include "base/invariant.h"

namespace belay::backup {
namespace {

/// Of an entry in the header, at most.
constexpr size_t entry_size = 41;

/// A pack is full before it has filled this: memory that is not touched costs nothing.
constexpr size_t usual_capacity = 20 << 20, slack = 8 << 20;

}  // namespace

size_t PackBuilder::size() const
{
    return bytes_.size() + header_size_ + seal_overhead + header_length_size;
}

bool PackBuilder::has_room_for(const SealedBlob& blob) const
{
    const bool header_fits = header_size_ + entry_size + seal_overhead <= longest_header;
    return header_fits && size() + entry_size + blob.bytes.size() <= UINT32_MAX;
}

void PackBuilder::add(const SealedBlob& blob)
{
    INVARIANT(has_room_for(blob));
    // A text that grows by doubling would take twice the room of a pack.
    if (bytes_.size() + blob.bytes.size() > bytes_.capacity())
        bytes_.reserve(bytes_.empty() ? usual_capacity
                                      : bytes_.size() + bytes_.size() / 4 + blob.bytes.size() + slack);
    blobs_.push_back({.id = blob.id,
                      .type = blob.type,
                      .offset = static_cast<uint32_t>(bytes_.size()),
                      .length = static_cast<uint32_t>(blob.bytes.size()),
                      .plain_size = blob.plain_size});
    header_size_ += header_size({&blobs_.back(), 1});
    bytes_ += blob.bytes;
}

Result<FinishedPack> PackBuilder::finish(const MasterKey& key)
{
    bytes_ += TRY(make_header(key, blobs_));
    FinishedPack pack;
    pack.index.id = Id::of(bytes_);
    pack.index.blobs = std::exchange(blobs_, {});
    pack.bytes = std::exchange(bytes_, {});
    header_size_ = 0;
    return pack;
}

}  // namespace belay::backup
