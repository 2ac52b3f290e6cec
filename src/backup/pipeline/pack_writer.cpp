#include "backup/pipeline/pack_writer.h"

namespace belay::backup {
namespace {

/// Enough that a sync of one pack keeps nobody waiting; each holds a pack in memory while it seals and saves
/// it.
constexpr size_t pack_writers = 2;

}  // namespace

PackWriter::PackWriter(Repository& repository, size_t pack_size, std::function<Result<void>()> may_write)
    : pack_size_(pack_size), queue_(repository, pack_writers, std::move(may_write))
{
}

Result<void> PackWriter::put(const SealedBlob& blob)
{
    // Where all writers are busy everybody waits here: the packs in memory are theirs, and the one that is
    // full.
    const std::lock_guard lock(mutex_);
    PackBuilder& builder = builders_[static_cast<size_t>(blob.type)];
    if (!builder.has_room_for(blob)) TRY(queue_.save(std::exchange(builder, {})));
    builder.add(blob);
    if (builder.size() >= pack_size_) TRY(queue_.save(std::exchange(builder, {})));
    return {};
}

Result<void> PackWriter::finish()
{
    for (PackBuilder& builder : builders_) {
        if (!builder.is_empty()) TRY(queue_.save(std::exchange(builder, {})));
    }
    return queue_.finish();
}

}  // namespace belay::backup
