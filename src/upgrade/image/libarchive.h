#pragma once
// libarchive's objects with an owner, and its errors as ours. Only for the sources of this folder.

#include "upgrade/image/listing.h"

#include <archive.h>
#include <archive_entry.h>

namespace belay::upgrade::image {

using ArchiveReader = std::unique_ptr<archive, int (*)(archive*)>;
using ArchiveEntry = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

/// What the library says of its last error.
std::string said_by(archive* of);

/// The fields that a listing and an archive share, into the library's entry and out of it. Errors: refused,
/// for what an image has no form for.
void fill(archive_entry* into, const std::string& path, const ListedEntry& entry);
Result<ListedEntry> entry_of(archive_entry* from);

}  // namespace belay::upgrade::image
