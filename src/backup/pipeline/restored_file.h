#pragma once
// Files of this machine as a restore makes them.

#include "backup/repository/node.h"
#include "host/descriptor.h"

namespace belay::backup {

/// What goes past the page cache has offsets, sizes and addresses that are multiples of it; more than some
/// disks want.
inline constexpr uint64_t disk_block = 4096;

/// A file that gets its content piece by piece. Threads: any, each piece of a place one thread.
class RestoredFile {
  public:
    /// Opens the file, and makes it where it is not there; what is no file in its place is an error. Errors:
    /// those of the system; refused.
    static Result<RestoredFile> open(const std::string& path);

    /// It was there before with some content.
    bool had_content() const { return size_before_ > 0; }
    /// Sets the size; what is beyond is gone. Errors: those of the system.
    Result<void> set_size(uint64_t size);
    /// Whether these bytes stand there already.
    bool holds(uint64_t offset, std::string_view content) const;
    Result<void> write(uint64_t offset, std::string_view content);
    /// The same past the page cache, but for the ends that are no whole blocks; without a copy where
    /// content.data() and `offset` have the same rest by disk_block. False, and nothing is
    /// written, where the filesystem cannot do that. Errors: those of the system.
    Result<bool> write_past_cache(uint64_t offset, std::string_view content);
    /// Room that is the file's own, and reads as zeros, where nothing was written yet. False where the
    /// filesystem cannot do that.
    bool make_zeros(uint64_t offset, uint64_t size);
    /// As the function of this name. Whatever is written later changes the times again.
    Result<void> set_metadata(const Node& node);

  private:
    RestoredFile(std::string path, host::Descriptor file, uint64_t size_before)
        : path_(std::move(path)), file_(std::move(file)), size_before_(size_before)
    {
    }

    std::string path_;
    host::Descriptor file_;
    host::Descriptor past_cache_ = {};
    uint64_t size_before_;
};

/// A folder; one that is there is taken, a link in its place is refused. Errors: those of the system;
/// refused.
Result<void> make_folder(const std::string& path);

/// A link, device, fifo or socket. One of the same kind in its place is replaced. Errors: those of the
/// system; refused, where it is none of these, or in its place is a file or folder.
Result<void> make_special(const std::string& path, const Node& node);

/// Another name of a file. Errors: those of the system.
Result<void> make_hard_link(const std::string& path, const std::string& to);

/// Owner, mode, extended attributes and times; the owner where this process may set it. Errors: those of the
/// system, the first; the rest is set nevertheless.
Result<void> set_metadata(const std::string& path, const Node& node);

}  // namespace belay::backup
