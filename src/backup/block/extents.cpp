#include "backup/block/extents.h"

#include <algorithm>
#include <numeric>

namespace belay::backup {

void append(Extents& extents, Extent next)
{
    if (next.length == 0) return;
    if (!extents.empty() && next.offset <= extents.back().end()) {
        Extent& last = extents.back();
        last.length = std::max(last.end(), next.end()) - last.offset;
        return;
    }
    extents.push_back(next);
}

uint64_t total(const Extents& extents)
{
    return std::accumulate(extents.begin(), extents.end(), uint64_t{0},
                           [](uint64_t sum, const Extent& one) { return sum + one.length; });
}

Extents complement(Extents free, uint64_t size)
{
    std::ranges::sort(free, {}, &Extent::offset);
    Extents left;
    uint64_t at = 0;
    for (const Extent& one : free) {
        const uint64_t begin = std::min(one.offset, size);
        if (begin > at) append(left, {at, begin - at});
        at = std::max(at, std::min(one.end(), size));
    }
    if (at < size) append(left, {at, size - at});
    return left;
}

}  // namespace belay::backup
