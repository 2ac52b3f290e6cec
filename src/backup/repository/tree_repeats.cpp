#include "backup/repository/tree_repeats.h"

namespace belay::backup {
namespace {

/// Entries that may come from trees that were seen before; and for each of the others.
constexpr uint64_t most_repeated = 100'000, most_for_each = 16;

}  // namespace

bool TreeRepeats::may_enter(const Id& tree, size_t entries)
{
    if (seen_.insert(tree).second) {
        entries_ += entries;
        return true;
    }
    if (repeated_ + entries > most_repeated + most_for_each * entries_) return false;
    repeated_ += entries;
    return true;
}

Error TreeRepeats::error_at(const std::string& path)
{
    return {ErrorKind::corrupt,
            fmt::format("{}: the same folders stand in the snapshot again and again, more than anybody saves",
                        path)};
}

}  // namespace belay::backup
