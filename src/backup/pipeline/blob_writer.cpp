#include "backup/pipeline/blob_writer.h"

namespace belay::backup {
namespace {

/// Enough that a sync of one pack keeps nobody waiting; each holds a pack in memory.
constexpr size_t pack_writers = 2;

}  // namespace

bool BlobWriter::Claims::claim(BlobType type, const Id& id)
{
    // The hash of the set takes the first bytes.
    Shard& shard = shards_[id.bytes.back() % shards];
    const std::lock_guard lock(shard.mutex);
    return shard.ids[static_cast<size_t>(type)].insert(id).second;
}

BlobWriter::BlobWriter(Repository& repository, Options options)
    : repository_(repository), options_(options), queue_(repository, pack_writers)
{
}

Result<bool> BlobWriter::put(BlobType type, const Id& id, std::string_view content)
{
    if (repository_.blobs().contains(type, id) || !claims_.claim(type, id)) return false;
    const SealedBlob blob = TRY(repository_.seal_blob(type, id, content, options_.compression));
    PackBuilder full;
    {
        const std::lock_guard lock(mutex_);
        ++(type == BlobType::tree ? written_.tree_blobs : written_.data_blobs);
        written_.content += content.size();
        written_.stored += blob.bytes.size();
        if (options_.dry_run) return true;
        PackBuilder& builder = builders_[static_cast<size_t>(type)];
        if (!builder.has_room_for(blob)) std::swap(full, builder);
        builder.add(blob);
        if (full.is_empty() && builder.size() >= options_.pack_size) std::swap(full, builder);
    }
    if (!full.is_empty()) TRY(queue_.save(TRY(full.finish(repository_.key()))));
    return true;
}

Result<void> BlobWriter::finish()
{
    if (options_.dry_run) return {};
    for (PackBuilder& builder : builders_) {
        if (!builder.is_empty()) TRY(queue_.save(TRY(builder.finish(repository_.key()))));
    }
    return queue_.finish();
}

Written BlobWriter::written() const
{
    const std::lock_guard lock(mutex_);
    return written_;
}

}  // namespace belay::backup
