#pragma once
// For tests: a folder that goes away with its owner.

#include "base/invariant.h"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace belay::store {

/// In memory where the system has such a place, so that a sync costs nothing.
class ScratchFolder {
  public:
    ScratchFolder()
    {
        std::string name = std::filesystem::is_directory("/dev/shm") ? "/dev/shm/belay-store-XXXXXX"
                                                                     : "/tmp/belay-store-XXXXXX";
        INVARIANT(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~ScratchFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    std::string path() const { return path_; }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  private:
    std::string path_;
};

}  // namespace belay::store
