#pragma once
// The tar inside of an image, in GNU's format, by libarchive.

#include "upgrade/image/frames.h"
#include "upgrade/image/listing.h"

#include <optional>

namespace belay::upgrade::image {

using TakeBytes = std::function<Result<void>(std::string_view bytes)>;
/// Some more of the archive; empty at its end. They stay until the next call.
using GiveBytes = std::function<Result<std::string_view>()>;

class TarWriter {
  public:
    /// `mtime`: of all entries, seconds since 1970.
    TarWriter(int64_t mtime, TakeBytes take);
    ~TarWriter();
    /// `entry.size` bytes of content follow. `path` is its name in the archive.
    Result<void> begin(const std::string& path, const ListedEntry& entry);
    Result<void> content(std::string_view bytes);
    /// With the two empty blocks that end an archive.
    Result<void> finish();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Of the head, which has no end of its own: without the two empty blocks.
std::string without_end(std::string archive);

class TarReader {
  public:
    explicit TarReader(GiveBytes give);
    ~TarReader();
    /// Nothing at the end. A folder's name is without its slash. Errors: corrupt, refused.
    Result<std::optional<ListedEntry>> next();
    /// Of the entry that next() gave: seconds since 1970.
    int64_t mtime() const;
    /// Of the entry that next() gave; empty at its end. Errors: as next().
    Result<std::string_view> content();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace belay::upgrade::image
