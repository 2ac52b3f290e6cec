#include "backup/block/extents.h"

#include <algorithm>
#include <iterator>
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

Extents united(const Extents& one, const Extents& other)
{
    Extents both;
    both.reserve(one.size() + other.size());
    std::ranges::merge(one, other, std::back_inserter(both), {}, &Extent::offset, &Extent::offset);
    Extents all;
    for (const Extent& extent : both) append(all, extent);
    return all;
}

Extents difference(const Extents& one, const Extents& other)
{
    std::vector<uint64_t> borders;
    borders.reserve(2 * (one.size() + other.size()));
    for (const Extents* extents : {&one, &other}) {
        for (const Extent& extent : *extents) {
            borders.push_back(extent.offset);
            borders.push_back(extent.end());
        }
    }
    // Each border is where one of them begins or ends to differ from the other; two at one place are none.
    std::ranges::sort(borders);
    Extents all;
    for (size_t i = 0; i + 1 < borders.size(); i += 2) append(all, {borders[i], borders[i + 1] - borders[i]});
    return all;
}

}  // namespace belay::backup
