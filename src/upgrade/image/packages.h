#pragma once
// packages.conf: which version of each image runs, and which one an abort leads back to. The form is told in
// docs/images.md.

#include "host/host.h"
#include "upgrade/image/version.h"

#include <map>
#include <optional>

namespace belay::upgrade::image {

struct Package {
    Version runs;
    Version committed;  ///< another one where a change is uncommitted
    bool is_uncommitted() const { return runs != committed; }
    bool operator==(const Package&) const = default;
};

/// By the name of the image.
using Packages = std::map<std::string, Package>;

/// Errors: corrupt, with the place in the file.
Result<Packages> packages_of(std::string_view text);
std::string packages_text(const Packages& packages);

/// FOLDER/packages.conf; none where it is not there. Errors: corrupt; those of the host.
Result<Packages> read_packages(host::Host& host, const std::string& library);
/// Replaces it, at once and for good; the library is there. Errors: those of Host::replace; lost: replaced,
/// but perhaps not for good.
Result<void> write_packages(host::Host& host, const std::string& library, const Packages& packages);

enum class State { inactive, activated_uncommitted, activated_committed, deactivated_uncommitted };

/// "activated & uncommitted"
std::string_view name_of(State state);
/// 'I', 'U', 'C' or 'D'.
char letter_of(State state);

State state_of(const Packages& packages, const std::string& name, const Version& version);

/// A version that is installed, or that packages.conf means.
struct SummaryLine {
    std::string name;
    Version version;
    State state = State::inactive;
    bool is_installed = true;  ///< false: packages.conf names what is not there
};

/// By name, then by version, the oldest first.
std::vector<SummaryLine> summary(const std::vector<std::pair<std::string, Version>>& installed,
                                 const Packages& packages);

}  // namespace belay::upgrade::image
