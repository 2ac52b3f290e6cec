#pragma once
// The versions that are installed on a host: FOLDER/NAME/VERSION, with the image's own files in .image/
// there. What is read through a Host can be simulated; what goes through whole trees works on this machine's
// files.

#include "host/host.h"
#include "upgrade/image/image_file.h"
#include "upgrade/image/packages.h"

namespace belay::upgrade::image {

inline constexpr const char* default_library = "/var/lib/belay-images";
inline constexpr const char* default_keys = "/etc/belay/image-keys";
/// What is to stay free on the filesystem of a library.
inline constexpr Bytes default_reserve{uint64_t{64} << 20};

struct Installed {
    Manifest manifest;
    std::string folder;
};

/// FOLDER/NAME/VERSION
std::string version_folder(const std::string& library, const std::string& name, const Version& version);

/// By name, then by version, the oldest first. A library that is not there has none. What is damaged is told
/// in `problems` and left out. Errors: those of the host.
Result<std::vector<Installed>> list_installed(host::Host& host, const std::string& library,
                                              std::vector<Error>* problems = nullptr);

/// Errors: not_found; corrupt, where its manifest is damaged or another version's.
Result<Installed> find_installed(host::Host& host, const std::string& library, const std::string& name,
                                 const Version& version);

/// Whether there is room for `size` and the reserve; the folder need not be there yet. Errors: no_space, with
/// both numbers.
Result<void> check_space(host::Host& host, const std::string& library, Bytes size,
                         Bytes reserve = default_reserve);

/// Holds a version against its listing, byte by byte, and the listing against its manifest and signature.
/// Errors: refused, corrupt: what is altered, missing or too many; those of the system.
Result<Verified> verify_installed(const std::string& library, const std::string& name, const Version& version,
                                  const std::vector<PublicKey>& trusted, const Progress& progress = {});

/// Removes a version that neither runs nor is committed, for good. One that is not there is no error. Errors:
/// refused, busy; those of the system.
Result<void> remove_installed(host::Host& host, const std::string& library, const std::string& name,
                              const Version& version);

/// The folders of expansions and removals that did not come to their end: nobody holds them. Errors: those of
/// the system.
Result<std::vector<std::string>> leftovers(const std::string& library);
/// Removes them; which they were.
Result<std::vector<std::string>> remove_leftovers(const std::string& library);

}  // namespace belay::upgrade::image
