#pragma once
// Which blobs are being stored, so that no two threads store the same one.

#include "backup/repository/pack.h"

#include <array>
#include <memory>
#include <mutex>

namespace belay::backup {

/// At most 48 bytes a blob: 32 of the id, and a place in a hash table of 5 to 10; it starts with 64 KiB or
/// so. Threads: any.
class BlobClaims {
  public:
    BlobClaims();
    ~BlobClaims();
    BlobClaims(const BlobClaims&) = delete;
    BlobClaims& operator=(const BlobClaims&) = delete;

    /// False where another has claimed it.
    bool claim(BlobType type, const Id& id);

    size_t size() const;
    /// Bytes of memory that it holds.
    size_t memory() const;

  private:
    /// Each with its mutex, so that threads seldom wait for each other.
    class Shard;
    static constexpr size_t shards = 64;
    std::unique_ptr<Shard[]> shards_;
};

}  // namespace belay::backup
