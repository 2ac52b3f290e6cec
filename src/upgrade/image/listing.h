#pragma once
// files.mtree: every entry of an image below its root, as mtree(5) by libarchive.

#include "base/units.h"

#include <memory>

struct archive;  // libarchive's, NOLINT(readability-identifier-naming)

namespace belay::upgrade::image {

enum class EntryType { file, folder, link };

struct ListedEntry {
    std::string path;  ///< "bin/shop"; any bytes, as check_path() allows them
    EntryType type = EntryType::file;
    uint32_t mode = 0;        ///< the nine permission bits; of a link 0777
    Bytes size = {};          ///< of a file
    std::string sha256 = {};  ///< of a file
    std::string target = {};  ///< of a link
    bool operator==(const ListedEntry&) const = default;
};

struct Listing {
    /// By the bytes of their paths; each path once, its folder before it.
    std::vector<ListedEntry> entries;

    const ListedEntry* find(std::string_view path) const;
    /// The sum of the files' sizes.
    Bytes content() const;
    /// What they take on a disk with blocks of 4 KiB: Manifest::size.
    Bytes room() const;
};

/// Errors: corrupt (no mtree, a key is missing), refused (something that an image may not have).
Result<Listing> read_listing(std::string_view text);

/// Sorts the entries and holds them against the rules of an image. Errors: refused.
Result<void> put_in_order(std::vector<ListedEntry>& entries);

/// Makes the text from the entries and their bytes.
class ListingWriter {
  public:
    ListingWriter();
    /// The digest is made from the content that follows; there are exactly `entry.size` bytes of it.
    Result<void> begin(const ListedEntry& entry);
    Result<void> content(std::string_view bytes);
    /// Once, at the end.
    Result<std::string> text();

  private:
    std::unique_ptr<std::string> text_;
    std::unique_ptr<archive, int (*)(archive*)> archive_;
};

}  // namespace belay::upgrade::image
