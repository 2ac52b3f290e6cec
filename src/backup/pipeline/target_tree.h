#pragma once
// Which paths are saved, as the tree that a snapshot has of them: "/home/a" and "/home/b" are a folder "home"
// with two entries.

#include "base/result.h"

#include <map>
#include <string>
#include <vector>

namespace belay::backup {

class TargetTree {
  public:
    struct Target {
        std::string path;                     ///< on this machine
        bool is_whole = false;                ///< all of it is saved; else what is below alone
        std::map<std::string, Target> below;  ///< by name
    };

    /// A path that lies below another one is part of it. Of a relative path the parts from the working folder
    /// count, without leading "..". Errors: usage, where there is no path or an empty one.
    static Result<TargetTree> of(const std::vector<std::string>& paths);

    /// The root of the snapshot. Where it is whole, its entries are those of its path: "/" or ".".
    const Target& root() const { return root_; }
    /// Absolute, sorted, each once.
    const std::vector<std::string>& paths() const { return paths_; }
    /// The paths on this machine of what is saved whole, in order.
    std::vector<std::string> whole() const;

  private:
    Target root_;
    std::vector<std::string> paths_;
};

}  // namespace belay::backup
