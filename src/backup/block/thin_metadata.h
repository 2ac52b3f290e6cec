#pragma once
// The metadata of a thin pool in use, as they are at one moment, by the kernel's metadata snapshot.

#include "backup/block/lvm_volume.h"
#include "backup/block/thin_mappings.h"
#include "host/descriptor.h"

#include <memory>

namespace belay::backup {

/// What the kernel has for an active thin volume.
struct ThinDevice {
    std::string pool;     ///< "MAJOR:MINOR"
    uint64_t number = 0;  ///< of the volume in the pool
};

/// Errors: refused, where the device is no thin volume, or what is not mapped in it does not read as zeros,
/// but from an external origin; those of the tool.
Result<ThinDevice> thin_device(host::Host& host, const std::string& path);

/// A pool can have one metadata snapshot. One of Belay's processes waits for the other; one that a killed
/// process has left behind is taken back: the pool bears a tag while it is there. Threads: one at a time.
class ThinMetadata {
  public:
    /// Errors: busy, where another program has a metadata snapshot; those of the tools. `host` outlives it.
    static Result<std::unique_ptr<ThinMetadata>> take(host::Host& host, const LogicalVolume& thin);
    /// Gives it back where give_back() was not called, or has failed.
    ~ThinMetadata();
    ThinMetadata(const ThinMetadata&) = delete;
    ThinMetadata& operator=(const ThinMetadata&) = delete;

    /// Of a volume that is active. Errors: refused, where it is in another pool; as thin_device() and
    /// read_thin_mappings(); those of the tool; failed, where somebody has taken the snapshot away meanwhile.
    Result<ThinMappings> mappings(const std::string& path) const;

    /// Errors: those of the tools.
    Result<void> give_back();

  private:
    ThinMetadata(host::Host& host, std::string pool, std::string volume, std::string metadata,
                 host::Descriptor lock)
        : host_(host),
          pool_(std::move(pool)),
          volume_(std::move(volume)),
          metadata_(std::move(metadata)),
          lock_(std::move(lock))
    {
    }

    Result<void> reserve();

    host::Host& host_;
    std::string pool_;      ///< "MAJOR:MINOR"
    std::string volume_;    ///< "GROUP/NAME" of the pool
    std::string metadata_;  ///< the path of the device that it is on
    host::Descriptor lock_;
    std::string root_;  ///< where it begins, as the kernel tells it; empty: it is not held
};

}  // namespace belay::backup
