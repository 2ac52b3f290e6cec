#pragma once
// Quantities with their unit in the type, and how a person reads and writes them.

#include "base/result.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace belay {

/// A number of bytes.
struct Bytes {
    uint64_t count = 0;
    auto operator<=>(const Bytes&) const = default;
};

/// A number of 512-byte sectors, the unit of sysfs whatever the disk's own sector is.
struct Sectors {
    uint64_t count = 0;
    auto operator<=>(const Sectors&) const = default;
};

constexpr Bytes bytes_of(Sectors sectors)
{
    return Bytes{sectors.count * 512};
}

using Milliseconds = std::chrono::milliseconds;

/// "256 MiB", "1.8 TiB", "512 B": binary multiples, at most one digit after the point.
std::string to_text(Bytes bytes);

/// "2 h", "1 h 59 min", "42 s", "0.3 s": the two largest units that are not zero. Negative counts as zero.
std::string to_text(Milliseconds span);

/// Reads "90s", "2h", "1h30m", "250ms", "7d"; a bare number is refused, for nobody knows its unit.
/// 0..10 years. Errors: usage.
Result<Milliseconds> parse_span(std::string_view text);

/// Reads "4096", "256M", "10GiB" (K, M, G, T are binary, with or without "iB"; B: bytes; also in lower case).
/// Errors: usage.
Result<Bytes> parse_bytes(std::string_view text);

}  // namespace belay
