#pragma once
// Sealed blobs into packs of the right size, those of data and those of trees apart.

#include "backup/pipeline/pack_queue.h"
#include "backup/repository/pack_builder.h"

#include <array>
#include <functional>
#include <mutex>

namespace belay::backup {

/// Threads: any for put(); finish() when nobody puts any more.
class PackWriter {
  public:
    static constexpr size_t usual_pack_size = 16 << 20;

    /// A pack is written when it has `pack_size` bytes. `repository` outlives this.
    /// `may_write` is asked before each, by several threads: its error is that of the pack.
    PackWriter(Repository& repository, size_t pack_size, std::function<Result<void>()> may_write = {});

    /// Puts a blob into a pack, whether or not the repository has it. Errors: those of the repository, also
    /// those of packs that were put before: then nothing more can be stored.
    Result<void> put(const SealedBlob& blob);

    /// Writes what is not yet written, and the index. Errors: as put().
    Result<void> finish();

  private:
    size_t pack_size_;
    PackQueue queue_;
    std::mutex mutex_;
    std::array<PackBuilder, 2> builders_;
};

}  // namespace belay::backup
