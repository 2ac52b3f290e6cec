#pragma once
// Blobs into packs, packs into the repository, and an index of them: each is there for good before the next
// speaks of it.

#include "backup/pipeline/blob_claims.h"
#include "backup/pipeline/pack_writer.h"

#include <functional>
#include <mutex>

namespace belay::backup {

struct Written {
    uint64_t data_blobs = 0, tree_blobs = 0;  ///< that were new
    uint64_t content = 0;                     ///< bytes of their content
    uint64_t stored = 0;                      ///< bytes that they take in packs
};

/// Threads: any for put() and written(); finish() when nobody puts any more.
class BlobWriter {
  public:
    static constexpr size_t usual_pack_size = PackWriter::usual_pack_size;

    struct Options {
        Compression compression = Compression::automatic;
        size_t pack_size = usual_pack_size;  ///< at which a pack is written
        bool dry_run = false;                ///< counts, and writes nothing
        /// Asked before anything is written, by several threads and more than once: whether it may be. Until
        /// it answers blobs are made ready all the same.
        std::function<Result<void>()> may_write = {};
    };

    /// `repository` has its index loaded and outlives this.
    BlobWriter(Repository& repository, Options options);

    /// Stores a content unless the repository has it, or it is being stored; whether it was new. Errors:
    /// those of the repository, also those of packs that were put before: then nothing more can be stored.
    Result<bool> put(BlobType type, const Id& id, std::string_view content);

    /// Writes what is not yet written, and the index. Then a snapshot may speak of it, and be written.
    /// Errors: as put().
    Result<void> finish();

    Written written() const;

  private:
    Repository& repository_;
    Options options_;
    BlobClaims claims_;
    PackWriter packs_;
    mutable std::mutex mutex_;
    Written written_;
};

}  // namespace belay::backup
