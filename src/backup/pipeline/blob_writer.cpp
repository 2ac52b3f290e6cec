#include "backup/pipeline/blob_writer.h"

namespace belay::backup {

BlobWriter::BlobWriter(Repository& repository, Options options)
    : repository_(repository),
      options_(std::move(options)),
      packs_(repository, options_.pack_size, options_.may_write)
{
}

Result<bool> BlobWriter::put(BlobType type, const Id& id, std::string_view content)
{
    if (repository_.blobs().contains(type, id) || !claims_.claim(type, id)) return false;
    const SealedBlob blob = TRY(repository_.seal_blob(type, id, content, options_.compression));
    {
        const std::lock_guard lock(mutex_);
        ++(type == BlobType::tree ? written_.tree_blobs : written_.data_blobs);
        written_.content += content.size();
        written_.stored += blob.bytes.size();
        if (options_.dry_run) return true;
    }
    TRY(packs_.put(blob));
    return true;
}

Result<void> BlobWriter::finish()
{
    if (options_.dry_run) return {};
    if (options_.may_write) TRY(options_.may_write());
    return packs_.finish();
}

Written BlobWriter::written() const
{
    const std::lock_guard lock(mutex_);
    return written_;
}

}  // namespace belay::backup
