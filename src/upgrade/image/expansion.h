#pragma once
// An image becomes a version in the library of a host.

#include "upgrade/image/image_file.h"
#include "upgrade/image/library.h"

namespace belay::upgrade::image {

struct Expanded {
    Verified image;
    std::string folder;      ///< of the version
    bool was_there = false;  ///< the same image is expanded there already; nothing was done
};

/// Unpacks what is signed by one of these keys into FOLDER/NAME/VERSION: it is there whole and for good, or
/// nothing of it is left; of a process that was killed a leftover stays, see remove_leftovers(). Errors: as
/// verify(); no_space; refused (another image is there under this name and version); those of the system and
/// of `progress`.
Result<Expanded> expand(const std::string& path, const std::vector<PublicKey>& trusted,
                        const std::string& library, const Progress& progress = {},
                        Bytes reserve = default_reserve);

}  // namespace belay::upgrade::image
