#pragma once
// A program of an image for those who start it by other means than Belay: of the version that packages.conf
// names now. A unit of systemd runs it, so that a restart or a boot starts what an upgrade has named.

#include "base/result.h"

#include <string>
#include <vector>

namespace belay::upgrade::driver {

struct ImageProgram {
    std::string image = {};
    std::string library = "/var/lib/belay-images";
    std::vector<std::string> words = {};  ///< the program, relative to the folder of a version; its arguments
};

/// Puts the program in the place of this process, with BELAY_IMAGE_FOLDER and BELAY_IMAGE_VERSION beside the
/// environment that there is. Comes back where it could not: usage, not_found, corrupt, those of the system.
Error replace_by(const ImageProgram& asked);

}  // namespace belay::upgrade::driver
