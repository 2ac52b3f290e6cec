#pragma once
// What there is of an image on this host. Versions are texts here, as plans hold them; empty: none.

#include "upgrade/image/library.h"

#include <optional>

namespace belay::upgrade {

/// Nothing: it is not in the library. Errors: usage (that is no version), corrupt, those of the host.
Result<std::optional<image::Installed>> installed(host::Host& host, const std::string& images,
                                                  const std::string& name, const std::string& version);

/// What packages.conf says of one image.
struct Named {
    std::string runs, committed;
    bool operator==(const Named&) const = default;
};
Result<Named> named(host::Host& host, const std::string& images, const std::string& name);
/// Changes that; one without `runs` is not named any more.
Result<void> name(host::Host& host, const std::string& images, const std::string& image, const Named& named);

}  // namespace belay::upgrade
