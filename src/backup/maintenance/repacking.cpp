#include "backup/maintenance/repacking.h"

#include "backup/maintenance/blob_reading.h"
#include "backup/pipeline/pack_writer.h"

namespace belay::backup {

Result<void> repack(Repository& repository, std::span<const uint32_t> packs, const std::vector<bool>& wanted,
                    const RepackOptions& options, const std::function<void()>& done)
{
    PackWriter writer(repository, options.pack_size);
    BlobReading reading;
    reading.threads = options.threads;
    reading.pack_done = done;
    reading.take = [&](const ReadBlob& read) -> Result<void> {
        const PackedBlob& blob = read.blob;
        const bool compress = repository.config().version >= 2 && !blob.is_compressed() &&
                              (options.compress || blob.type == BlobType::tree);
        // What is sealed already keeps its seal: the same content under the same nonce tells nobody anything.
        if (!read.sealed.empty() && !compress)
            return writer.put({blob.id, blob.type, std::string(read.sealed), blob.plain_size});
        return writer.put(
            TRY(repository.seal_blob(blob.type, blob.id, read.content, Compression::automatic)));
    };
    TRY(read_blobs(repository, packs, wanted, reading));
    return writer.finish();
}

}  // namespace belay::backup
