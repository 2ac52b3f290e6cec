#pragma once
// What a device holds, read by pieces in any order.

#include "base/result.h"
#include "host/descriptor.h"

#include <cstdint>
#include <memory>
#include <string>

namespace belay::backup {

/// Threads: any.
class BlockSource {
  public:
    virtual ~BlockSource() = default;

    /// For people.
    virtual const std::string& name() const = 0;
    /// In bytes; it stays.
    virtual uint64_t size() const = 0;
    /// Fills `buffer` with the bytes from `offset`; they lie within the size. Errors: those of the system, as
    /// io where a block cannot be read.
    virtual Result<void> read(uint64_t offset, char* buffer, size_t length) const = 0;
};

/// Whether others may use the device meanwhile.
enum class Sharing : uint8_t { exclusive, shared };

/// A block device or an image file.
class DeviceSource final : public BlockSource {
  public:
    /// Opened exclusively nobody can mount it, or take it into an array, as long as this object lives.
    /// Errors: busy, where it is mounted or has a holder; refused, where it is neither a device nor a file;
    /// those of the system.
    static Result<std::unique_ptr<DeviceSource>> open(const std::string& path, Sharing sharing);

    const std::string& name() const override { return path_; }
    uint64_t size() const override { return size_; }
    Result<void> read(uint64_t offset, char* buffer, size_t length) const override;
    /// What others have written through the page cache is on the device. Errors: those of the system.
    Result<void> sync() const;

  private:
    DeviceSource(std::string path, host::Descriptor file, uint64_t size)
        : path_(std::move(path)), file_(std::move(file)), size_(size)
    {
    }

    std::string path_;
    host::Descriptor file_;
    uint64_t size_;
};

/// The size in bytes of an open block device or file. Errors: those of the system; refused, where it is
/// neither.
Result<uint64_t> size_of_device(int file, const std::string& path);

}  // namespace belay::backup
