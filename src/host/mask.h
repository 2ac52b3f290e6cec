#pragma once
// Pseudonyms for what must not leave the machine, such as serial numbers.

#include "base/result.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace belay::host {

struct Contact;

/// Replaces secrets by pseudonyms of the same length and look: digits stay digits, letters become a..f or
/// A..F (a serial number in hexadecimal stays one, a number does not begin with 0), all else stays. The
/// pseudonym depends on nothing but the secret, so two recordings of one machine agree. It hides a secret
/// from a reader, not from someone who can guess it and try.
class Mask {
  public:
    /// Masks nothing.
    Mask() = default;
    /// Errors: usage (a secret shorter than 4 bytes, which would be found everywhere, or two with one
    /// pseudonym).
    static Result<Mask> of(std::vector<std::string> secrets);

    /// Where secrets overlap, the one that begins first counts, then the longest.
    std::string apply(std::string_view text) const;
    /// In questions and answers alike.
    void apply_to(Contact& contact) const;

  private:
    struct Secret {
        std::string text;
        std::string pseudonym;
    };
    const Secret* at_the_start_of(std::string_view text) const;

    std::vector<Secret> secrets_;  ///< the longest first
    /// By their first four bytes, indices of secrets_ in its order: a host with a thousand disks has some
    /// thousands of them, and its recording many millions of bytes.
    std::unordered_map<uint32_t, std::vector<size_t>> by_start_;
    std::vector<bool> begins_one_ = std::vector<bool>(1 << 16);  ///< by their first two bytes
};

}  // namespace belay::host
