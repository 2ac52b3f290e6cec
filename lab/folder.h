#pragma once
// Where a lab keeps what belongs to its hosts: disk images, the console's output, the kernel's sockets.

#include "base/result.h"
#include "base/units.h"

#include <string>
#include <string_view>

namespace belay::lab {

/// A folder whose disk images outlive a power cut, and which is removed with all that is in it when this
/// object goes, unless it was opened by name.
class Folder {
  public:
    /// A new folder under $TMPDIR or /tmp. Errors: what the system says.
    static Result<Folder> make();
    /// A folder that is kept; made if it is not there. Its images are those of the last time.
    static Result<Folder> open(const std::string& path);
    ~Folder();
    Folder(Folder&& other) noexcept;
    Folder& operator=(Folder&&) = delete;

    const std::string& path() const { return path_; }

    /// The path of the image of a disk: a sparse file, made of zeros if it is not there, else left as it is.
    /// Errors: refused (it is there with another size), io, no_space.
    Result<std::string> image(std::string_view disk, Bytes size) const;

  private:
    explicit Folder(std::string path, bool kept) : path_(std::move(path)), kept_(kept) {}

    std::string path_;  ///< absolute
    bool kept_;
};

}  // namespace belay::lab
