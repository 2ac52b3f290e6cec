#pragma once
// Stretches of a device.

#include <cstdint>
#include <vector>

namespace belay::backup {

/// In bytes.
struct Extent {
    uint64_t offset = 0, length = 0;

    uint64_t end() const { return offset + length; }
    bool operator==(const Extent&) const = default;
};

/// Ascending, apart from each other, none empty.
using Extents = std::vector<Extent>;

/// Puts an extent behind the others; one that touches or overlaps the last becomes a part of it. It does not
/// begin before the last one does.
void append(Extents& extents, Extent next);

/// Bytes of all of them.
uint64_t total(const Extents& extents);

/// What is left of [0, size) without `free`, which is in any order and may overlap.
Extents complement(Extents free, uint64_t size);

/// What is in one of them or in both.
Extents united(const Extents& one, const Extents& other);

/// What is in one of them and not in the other.
Extents difference(const Extents& one, const Extents& other);

}  // namespace belay::backup
