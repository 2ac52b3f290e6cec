#pragma once
// What a backup leaves out: by patterns, by files that mark a folder, by size.
// Source: restic's manual, "Excluding Files"; the cache directory tagging specification.

#include "backup/filter/pattern.h"

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace belay::backup {

/// A file that marks its folder: nothing but the mark itself is saved of it.
struct FolderMark {
    std::string name;
    std::string begins_with = {};  ///< what the file must begin with; empty: anything

    /// "name" or "name:header". Errors: usage.
    static Result<FolderMark> from_text(std::string_view text);
    /// CACHEDIR.TAG with its signature.
    static FolderMark of_caches();
};

struct ExclusionOptions {
    PatternList patterns = {};
    std::vector<FolderMark> marks = {};
    std::optional<uint64_t> larger_than = {};  ///< bytes of a file
};

/// Threads: any.
class Exclusion {
  public:
    explicit Exclusion(ExclusionOptions options) : options_(std::move(options)) {}

    /// Whether an entry is left out; `path` is absolute, `size` that of a file.
    bool rejects(const std::string& path, bool is_folder, uint64_t size) const;

  private:
    /// The mark that stands in a folder, or null.
    const FolderMark* mark_of(const std::string& folder) const;

    ExclusionOptions options_;
    mutable std::mutex mutex_;
    mutable std::unordered_map<std::string, const FolderMark*> known_;  ///< of the folders asked last
};

}  // namespace belay::backup
