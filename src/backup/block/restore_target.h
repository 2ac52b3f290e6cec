#pragma once
// What an image is restored onto.

#include "backup/block/extents.h"
#include "base/result.h"
#include "host/descriptor.h"

#include <string>
#include <string_view>

namespace belay::backup {

/// Threads: any, each stretch one thread; open() and finish() alone.
class RestoreTarget {
  public:
    struct Options {
        bool allow_in_use = false;
        bool overwrite_file = false;
        bool is_zero = false;  ///< it reads as zeros already
    };

    /// Opens a device, or makes a file of `size` bytes. Errors: as restore_device().
    static Result<RestoreTarget> open(const std::string& path, uint64_t size, Options options);

    /// Whether every byte that was not written is known to be zero.
    bool is_zero() const { return is_zero_; }
    Result<void> write(uint64_t offset, std::string_view content);
    /// Makes a stretch read as zeros, in the way that costs the target least.
    Result<void> write_zeros(const Extent& extent);
    /// Fills `buffer`. Errors: those of the system.
    Result<void> read(uint64_t offset, std::string& buffer) const;
    /// Returns when all is on the disk.
    Result<void> sync();
    /// As sync(); and what is read next comes from the disk.
    Result<void> forget_cache();

  private:
    RestoreTarget(std::string path, host::Descriptor file, bool is_device, bool is_zero)
        : path_(std::move(path)), file_(std::move(file)), is_device_(is_device), is_zero_(is_zero)
    {
    }

    std::string path_;
    host::Descriptor file_;
    bool is_device_;
    bool is_zero_;
};

}  // namespace belay::backup
