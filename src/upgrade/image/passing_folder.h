#pragma once
// A folder with a passing name in a library, .NAME-VERSION.XXXXXX, in which a version is made or out of which
// it goes.

#include "host/descriptor.h"
#include "upgrade/image/manifest.h"

#include <optional>

namespace belay::upgrade::image {

/// Holds the folder by flock(2) as long as it lives, so that it is no leftover; what is in it goes with it,
/// unless it took its place. Threads: one.
class PassingFolder {
  public:
    /// Makes a new one. Errors: those of the system.
    static Result<PassingFolder> make(const std::string& library, const std::string& name,
                                      const Version& version);
    /// Gives a version's folder a passing name. Nothing, where there is no such folder.
    static Result<std::optional<PassingFolder>> of_version(const std::string& library,
                                                           const std::string& name, const Version& version);

    PassingFolder(PassingFolder&& other) noexcept;
    PassingFolder& operator=(PassingFolder&&) = delete;
    ~PassingFolder();

    const std::string& path() const { return path_; }
    /// All that was written on its filesystem is on the disk. Errors: those of the system.
    Result<void> sync() const;
    /// Becomes FOLDER/NAME/VERSION, for good. Errors: refused, where that is there; those of the system.
    Result<void> become(const std::string& version_folder);
    /// Removes it, for good. Errors: those of the system.
    Result<void> remove();

  private:
    PassingFolder() = default;
    std::string path_;
    host::Descriptor held_;
};

/// Whether it is the name of such a folder.
bool is_passing_name(std::string_view name);

/// Makes a folder, and those above it, for good. Errors: those of the system.
Result<void> make_folders(const std::string& folder);

}  // namespace belay::upgrade::image
