#pragma once

#include "base/result.h"

namespace belay::bench {

/// A new folder inside another one, which goes away with its owner. Moved from: owns nothing.
class ScratchFolder {
  public:
    /// Errors: usage where `inside` is in memory, for there a sync costs nothing; those of the system.
    static Result<ScratchFolder> make(const std::string& inside);
    ~ScratchFolder();
    ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ScratchFolder& operator=(ScratchFolder&&) = delete;

    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
    const std::string& path() const { return path_; }

  private:
    explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace belay::bench
