#pragma once
// The images that a controller has for its hosts: each a file as it was built, known by its digest.

#include "base/units.h"
#include "upgrade/image/manifest.h"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade {

struct Shelved {
    std::string file;  ///< SHA-256 of the image's file
    Bytes bytes;       ///< of that
    image::Manifest manifest;
    std::string manifest_text, signature;
};

/// Threads: any.
class Shelf {
  public:
    /// `folder` is made where it is not there; `keys`: the folder of those whose images are taken.
    Shelf(std::string folder, std::string keys) : folder_(std::move(folder)), keys_(std::move(keys)) {}

    /// How far an image is on its way to here.
    struct Upload {
        uint64_t next = 0;                    ///< where the next piece begins
        std::optional<Shelved> shelved = {};  ///< it is here, whole, and signed by a key that is trusted
    };
    /// The next piece of an image's file. One that does not begin where the one before has ended is left
    /// alone, and `next` says where that is. Errors: no_space, refused (nobody trusted has signed it, another
    /// build of that version is here), corrupt; then nothing of it is kept.
    Result<Upload> take(const std::string& file, Bytes bytes, uint64_t offset, std::string_view piece);

    /// Sorted by name and version. Errors: io.
    Result<std::vector<Shelved>> list() const;
    Result<std::optional<Shelved>> find(const std::string& image, const std::string& version) const;
    /// Errors: not_found.
    Result<std::string> path_of(const std::string& file) const;
    /// Errors: not_found, io.
    Result<void> remove(const std::string& image, const std::string& version);

  private:
    std::string path(const std::string& file) const { return folder_ + "/" + file + ".image"; }
    std::string upload_path(const std::string& file) const { return folder_ + "/." + file + ".upload"; }
    Result<Shelved> put(const std::string& file, const std::string& uploaded);
    static Result<Shelved> read(const std::string& file, const std::string& path);

    const std::string folder_, keys_;
    std::mutex mutex_;  ///< of what is on its way
};

}  // namespace belay::upgrade
