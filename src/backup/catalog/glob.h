#pragma once
// Patterns of names and paths, over bytes: '*', '?', "[a-z]", "[^a-z]" and '\' in a name; "**" is any number
// of folders.

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::backup::catalog {

enum class Case : uint8_t { counts, ignored };  ///< of ASCII alone

/// One name's pattern, made ready. Threads: any.
class NamePattern {
  public:
    /// Errors: usage, where a bracket is not closed.
    static Result<NamePattern> make(std::string_view text, Case letters);

    bool matches(std::string_view name) const;
    /// Every name that matches has it, and where the case is ignored in lower case. May be empty.
    const std::string& literal() const { return literal_; }
    /// The one name that matches, where there is but one.
    const std::string* only_name() const { return is_plain_ && !ignores_case_ ? &literal_ : nullptr; }
    bool ignores_case() const { return ignores_case_; }

  private:
    struct Item {
        enum class Kind : uint8_t { byte, any, any_run, set };
        Kind kind = Kind::byte;
        unsigned char byte = 0;
        std::vector<bool> set = {};  ///< 256 of them
    };
    bool item_matches(const Item& item, unsigned char byte) const;

    std::vector<Item> items_;
    std::string literal_;
    bool is_plain_ = true;
    bool ignores_case_ = false;
};

/// A pattern of whole paths. Threads: any.
class PathPattern {
  public:
    /// "/etc/*.conf" is rooted; "conf.d/*" is found at the end of any path. Errors: usage, where it is empty,
    /// longer than 4096 bytes, or a name's pattern is none.
    static Result<PathPattern> make(std::string_view text, Case letters);

    bool is_rooted() const { return is_rooted_; }
    /// "**" stands in it.
    bool is_deep() const { return is_deep_; }
    /// Without "**": a pattern for each name.
    const std::vector<NamePattern>& names() const { return names_; }
    /// The last one; null where that is "**".
    const NamePattern* last() const;
    /// `path` is absolute.
    bool matches(std::string_view path) const;

  private:
    static constexpr size_t deep = SIZE_MAX;  ///< in parts_: "**"

    std::vector<size_t> parts_;  ///< into names_, or deep
    std::vector<NamePattern> names_;
    bool is_rooted_ = false, is_deep_ = false;
};

/// The names of a path, in order.
std::vector<std::string_view> names_of_path(std::string_view path);

}  // namespace belay::backup::catalog
