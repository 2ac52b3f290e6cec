#include "backup/pipeline/pack_writer.h"

namespace belay::backup {
namespace {

/// Enough that a sync of one pack keeps nobody waiting; each holds a pack in memory.
constexpr size_t pack_writers = 2;

}  // namespace

PackWriter::PackWriter(Repository& repository, size_t pack_size)
    : repository_(repository), pack_size_(pack_size), queue_(repository, pack_writers)
{
}

Result<void> PackWriter::put(const SealedBlob& blob)
{
    PackBuilder full;
    {
        const std::lock_guard lock(mutex_);
        PackBuilder& builder = builders_[static_cast<size_t>(blob.type)];
        if (!builder.has_room_for(blob)) std::swap(full, builder);
        builder.add(blob);
        if (full.is_empty() && builder.size() >= pack_size_) std::swap(full, builder);
    }
    if (full.is_empty()) return {};
    return queue_.save(TRY(full.finish(repository_.key())));
}

Result<void> PackWriter::finish()
{
    for (PackBuilder& builder : builders_) {
        if (!builder.is_empty()) TRY(queue_.save(TRY(builder.finish(repository_.key()))));
    }
    return queue_.finish();
}

}  // namespace belay::backup
