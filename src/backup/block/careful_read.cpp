#include "backup/block/careful_read.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace belay::backup {
namespace {

/// After an error it is read again in steps of these sizes: the smallest is what disks have for a block.
constexpr uint64_t careful_steps[] = {64 << 10, 4 << 10};

}  // namespace

void read_carefully(const BlockSource& source, const Extent& extent, char* buffer, const ReadProblem& problem,
                    const std::atomic<bool>& stopped)
{
    if (source.read(extent.offset, buffer, extent.length)) return;
    std::fill_n(buffer, extent.length, '\0');
    std::optional<std::pair<Extent, Error>> bad;
    for (uint64_t at = extent.offset; at < extent.end() && !stopped;) {
        uint64_t done = 0;
        Result<void> read;
        for (const uint64_t step : careful_steps) {
            // Steps end at multiples of their size, as blocks do.
            done = std::min(extent.end(), (at / step + 1) * step) - at;
            read = source.read(at, buffer + (at - extent.offset), done);
            if (read) break;
        }
        if (!read) {
            std::fill_n(buffer + (at - extent.offset), done, '\0');
            if (bad)
                bad->first.length += done;
            else
                bad.emplace(Extent{at, done}, read.error());
        }
        at += done;
        if (bad && (read || at == extent.end())) {
            problem(bad->first, bad->second);
            bad.reset();
        }
    }
}

}  // namespace belay::backup
