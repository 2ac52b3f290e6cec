#pragma once
// Making an image from a folder, and signing one.

#include "upgrade/image/image_file.h"

#include <optional>

namespace belay::upgrade::image {

struct BuildOrder {
    Manifest manifest;     ///< as a person wrote it
    std::string root;      ///< the folder of its files
    std::string output;    ///< the image; one that is there is replaced
    std::string key = {};  ///< a private key as PEM; empty: it is not signed
    /// Of all entries, seconds since 1970: SOURCE_DATE_EPOCH. Nothing: that of the newest file.
    std::optional<int64_t> mtime = std::nullopt;
};

/// An image.toml with what it means: `path` is the file or its folder.
struct Source {
    Manifest manifest;
    std::string root;
    std::string folder;  ///< in which the image.toml is
};
/// Errors: not_found, usage.
Result<Source> read_source(const std::string& path);

/// What would be in it: every entry, without digests; sizes are known. Errors: as build.
Result<Listing> look_at_source(const Manifest& manifest, const std::string& root);

/// Makes the image: beside, synced, renamed. Nothing is left of one that fails. The manifest as it became.
/// Errors: refused (something in the folder that an image may not have, a program that is not there), busy (a
/// file changed while it was read), those of the system.
Result<Manifest> build(const BuildOrder& order, const Progress& progress = {});

/// Signs an image, whatever signature it had; the body stays as it is. It is gone through first: who signs
/// vouches for all of it. Errors: as ImageFile::open and read_body; corrupt (no key).
Result<void> sign_image(const std::string& path, const std::string& private_key,
                        const Progress& progress = {});

}  // namespace belay::upgrade::image
