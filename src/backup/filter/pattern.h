#pragma once
// What is left out of a backup, or wanted of a snapshot, as restic's users write it: "*.o", "/home/*/.cache",
// "!keep.o", "a/**/b".
// Source: restic's manual, "Excluding Files"; the meaning of one part is that of Go's filepath.Match.

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::backup {

/// One pattern, made ready. A name in it stands for a file or a folder with all that is in it; one that does
/// not begin with '/' is looked for anywhere in a path; "**" stands for any number of folders.
class Pattern {
  public:
    /// Errors: usage, where it is empty, longer than 4096 bytes, or a bracket is not closed.
    static Result<Pattern> make(std::string_view text, bool ignores_case);

    /// It begins with '!': what it names is taken back.
    bool is_negated() const { return is_negated_; }
    bool matches(const std::vector<std::string_view>& path) const;
    /// Whether something below the folder `path` may match.
    bool may_match_below(const std::vector<std::string_view>& path) const;

  private:
    struct Part {
        std::string text;
        bool is_plain = true;  ///< no character in it has a meaning
    };
    using Parts = std::vector<Part>;

    static bool parts_match(const Parts& parts, const std::vector<std::string_view>& path);

    Parts parts_;  ///< "/" is the first of one that is rooted; an empty text stands for "**"
    bool is_negated_ = false;
};

/// Patterns in their order: a later one that is negated takes back what an earlier one has named. Threads:
/// any.
class PatternList {
  public:
    /// Errors: those of Pattern::make.
    Result<void> add(std::string_view text, bool ignores_case);
    bool empty() const { return cased_.empty() && caseless_.empty(); }

    struct Verdict {
        bool matches = false;
        bool may_match_below = false;
    };
    /// `path` is absolute.
    Verdict judge(std::string_view path) const;

  private:
    std::vector<Pattern> cased_, caseless_;
};

/// Whether a name matches a pattern of one part: '*', '?', "[a-z]", "[^a-z]" and '\'. Errors: usage.
Result<bool> name_matches(std::string_view pattern, std::string_view name);

}  // namespace belay::backup
