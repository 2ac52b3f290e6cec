#pragma once
// Versions of an image, and ranges of them. The form and the order are told in docs/images.md.

#include "base/result.h"

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::image {

/// Equal are those of the same text: it names a file and a folder.
struct Version {
    std::string text;
    bool operator==(const Version&) const = default;
};

/// Errors: usage, with what a version looks like.
Result<Version> parse_version(std::string_view text);

/// As `dpkg --compare-versions`: "1.9" is less than "1.10", "2.0~rc1" less than "2.0"; "1.0" and "1.00" are
/// equivalent, though not the same version. Source: deb-version(7).
std::weak_ordering compare(const Version& left, const Version& right);

/// A list of ranges as it stands in a manifest: [">=1.0 <2.0", "=2.1"].
class VersionRanges {
  public:
    /// Any version.
    VersionRanges() = default;
    /// ["none"]: no version. Errors: usage; an empty list is one.
    static Result<VersionRanges> of(const std::vector<std::string>& texts);

    bool admit(const Version& version) const;
    bool are_any() const { return texts_.empty(); }
    /// What they were made of; empty: any.
    const std::vector<std::string>& texts() const { return texts_; }

  private:
    struct Condition {
        std::string relation;
        Version version;
        bool holds_for(const Version& asked) const;
    };
    static Result<std::vector<Condition>> parse_range(const std::string& text);

    std::vector<std::string> texts_;
    std::vector<std::vector<Condition>> ranges_;
};

}  // namespace belay::upgrade::image
