#pragma once
// A folder on disk as the entries of an image.

#include "host/descriptor.h"
#include "upgrade/image/listing.h"

namespace belay::upgrade::image {

/// One file to read from its beginning; never through a link.
Result<host::Descriptor> open_file_below(const std::string& root, const std::string& path);

/// All that is below, in order, without digests. `root`/.image is left out where `is_installed`; else it is
/// refused. Errors: refused (what an image may not have), those of the system.
struct FolderTree {
    Listing listing;
    int64_t newest = 0;  ///< mtime of the newest file, seconds since 1970
};
Result<FolderTree> look_at_folder(const std::string& root, bool is_installed);

/// Removes a folder and all below it, also where it may not be written to. Errors: those of the system.
Result<void> remove_tree(const std::string& folder);

/// Makes what was done in a folder outlive a power cut.
Result<void> sync_folder(const std::string& folder);

}  // namespace belay::upgrade::image
