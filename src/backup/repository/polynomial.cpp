#include "backup/repository/polynomial.h"

#include "base/invariant.h"

#include <bit>
#include <charconv>
#include <cstring>

namespace belay::backup {
namespace {

/// a * b modulo p; the degrees of a and b are below that of p.
Polynomial product(Polynomial a, Polynomial b, Polynomial p)
{
    Polynomial result;
    const uint64_t top = uint64_t{1} << (p.degree() - 1);
    while (b.bits != 0) {
        if ((b.bits & 1) != 0) result.bits ^= a.bits;
        b.bits >>= 1;
        const bool overflows = (a.bits & top) != 0;
        a.bits <<= 1;
        if (overflows) a.bits ^= p.bits;
    }
    return result;
}

Polynomial common_divisor(Polynomial a, Polynomial b)
{
    while (b.bits != 0) a = std::exchange(b, a % b);
    return a;
}

}  // namespace

int Polynomial::degree() const
{
    return 63 - std::countl_zero(bits);
}

Polynomial Polynomial::operator%(Polynomial divisor) const
{
    INVARIANT(divisor.bits != 0);
    Polynomial rest = *this;
    while (rest.degree() >= divisor.degree()) rest.bits ^= divisor.bits << (rest.degree() - divisor.degree());
    return rest;
}

/// Ben-Or's test: it has no factor of degree i for any i up to half its own, for x^(2^i) - x is the product
/// of all irreducible polynomials whose degree divides i. Source: S. Gao, D. Panario, "Tests and
/// Constructions of Irreducible Polynomials over Finite Fields".
bool Polynomial::is_irreducible() const
{
    if (degree() < 1) return false;
    constexpr Polynomial x{2};
    Polynomial power = x % *this;
    for (int i = 1; i <= degree() / 2; ++i) {
        power = product(power, power, *this);
        if (common_divisor(*this, Polynomial{power.bits ^ x.bits}).bits != 1) return false;
    }
    return true;
}

std::string Polynomial::hex() const
{
    return fmt::format("{:x}", bits);
}

Result<Polynomial> Polynomial::from_hex(std::string_view text)
{
    Polynomial polynomial;
    const char* begin = text.data();
    const char* end = begin + text.size();
    const auto [stopped, problem] = std::from_chars(begin, end, polynomial.bits, 16);
    const bool is_number = problem == std::errc() && stopped == end;
    if (!is_number || polynomial.degree() != chunker_degree || !polynomial.is_irreducible())
        return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no irreducible polynomial of degree {}",
                                                    text.substr(0, 80), chunker_degree));
    return polynomial;
}

Result<Polynomial> Polynomial::from_random(std::string_view random)
{
    constexpr uint64_t highest = uint64_t{1} << chunker_degree;
    for (; random.size() >= sizeof(uint64_t); random.remove_prefix(sizeof(uint64_t))) {
        Polynomial polynomial;
        std::memcpy(&polynomial.bits, random.data(), sizeof polynomial.bits);
        polynomial.bits = (polynomial.bits & (highest - 1)) | highest | 1;
        if (polynomial.is_irreducible()) return polynomial;
    }
    return fail(ErrorKind::failed, "no irreducible polynomial was found among the random ones");
}

}  // namespace belay::backup
