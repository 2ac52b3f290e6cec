#pragma once
// What an image says of itself: manifest.toml, and image.toml that a person writes. The form is told in
// docs/images.md.

#include "base/units.h"
#include "upgrade/image/version.h"

#include <map>

namespace belay::upgrade::image {

/// Texts are UTF-8 without control characters.
struct Manifest {
    std::string name;
    Version version;
    std::string build;    ///< may be empty
    std::string summary;  ///< may be empty
    VersionRanges upgrades_from, downgrades_to;

    std::map<std::string, std::string> entry;  ///< what can be started: path below the root, by name
    /// Programs of the image with their arguments, to be started in its folder; empty: there is none.
    std::vector<std::string> check, health;

    // Filled in by build.
    Bytes size;         ///< on a disk with blocks of 4 KiB
    std::string files;  ///< SHA-256 of files.mtree
    std::string body;   ///< SHA-256 of the second frame
    Bytes body_size;

    /// "shop 2.0"
    std::string to_text() const { return name + " " + version.text; }
};

/// An image.toml.
struct Draft {
    Manifest manifest;
    std::string root = "root";  ///< the folder of the files, from where the image.toml is
};

/// Errors: usage, with file, line and what to do. `file` is how they name it.
Result<Draft> read_draft(std::string_view text, std::string_view file = "image.toml");

/// Errors: corrupt; version, where it was made by a newer Belay.
Result<Manifest> read_manifest(std::string_view text, std::string_view file = "manifest.toml");
/// What read_manifest reads, always in the same form.
std::string manifest_text(const Manifest& manifest);

/// The name of an image may be: a-z 0-9 -, begins with a letter or digit, at most 64. Errors: usage.
Result<void> check_name(std::string_view name);

/// "shop-2.0.image"
std::string file_name(const Manifest& manifest);

/// Whether `next` may take the place of `running`, another version of the same image: the newer of the two
/// says so. Errors: refused, with what would be allowed.
Result<void> may_replace(const Manifest& running, const Manifest& next);

}  // namespace belay::upgrade::image
