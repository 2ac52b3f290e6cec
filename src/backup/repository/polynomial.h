#pragma once
// Polynomials over GF(2), as a repository's chunker has one: bit n of the number is the coefficient of x^n.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace belay::backup {

/// At most of degree 63.
struct Polynomial {
    /// What a repository's polynomial has: random, irreducible, so that no content is cut badly by design.
    static constexpr int chunker_degree = 53;

    uint64_t bits = 0;

    /// The degree; -1 of the zero polynomial.
    int degree() const;
    bool is_irreducible() const;

    Polynomial operator%(Polynomial divisor) const;
    bool operator==(const Polynomial&) const = default;

    /// As in a repository's config: hexadecimal, lower case, without leading zeros.
    std::string hex() const;
    /// A chunker's polynomial. Errors: corrupt, where it is no irreducible polynomial of degree 53.
    static Result<Polynomial> from_hex(std::string_view text);
    /// An irreducible one of degree 53 made from random bytes, 8 for each try; about one in 27 tries
    /// succeeds. Errors: failed, where none of the tries did.
    static Result<Polynomial> from_random(std::string_view random);
};

}  // namespace belay::backup
