#pragma once
// A part of a repository's packs, to be read: "2/7" is a part that is always the same, "10%" and "5G" are
// chosen by chance.

#include "backup/backend/backend.h"

#include <functional>

namespace belay::cli {

class PackSubset {
  public:
    /// Errors: usage.
    static Result<PackSubset> from_text(const std::string& text);

    /// Whether a pack is one of the part of these.
    std::function<bool(const backup::Id&)> choose(const std::vector<backup::ListedFile>& packs) const;

  private:
    uint64_t part_ = 0, parts_ = 0;  ///< of n/t; 0: not so
    double percent_ = 0;
    uint64_t bytes_ = 0;
};

}  // namespace belay::cli
