// What an array that is to be made must hold to, before any device is looked at.

#include "storage/md_assembly.h"

#include <bit>

namespace belay::storage::md {
namespace {

struct LevelRule {
    std::string_view name;
    uint64_t least;   ///< raid-devices
    uint64_t spared;  ///< how many may be missing; raid1 and raid10 have rules of their own
    bool has_chunk, has_bitmap;
};
constexpr LevelRule level_rules[] = {{"raid0", 2, 0, true, false}, {"raid1", 2, 0, false, true},
                                     {"raid4", 3, 1, true, true},  {"raid5", 3, 1, true, true},
                                     {"raid6", 4, 2, true, true},  {"raid10", 2, 0, true, true}};
constexpr uint64_t most_members = 384;  // of a 1.x superblock

const char* const of_create = "belay procedures array.create";

/// A raid10 keeps two copies on neighbours (layout n2). An even number of members makes fixed pairs; an odd
/// one makes each a neighbour of the next.
bool raid10_has_all(const std::vector<std::optional<Device>>& members)
{
    const size_t count = members.size();
    const size_t stride = count % 2 == 0 ? 2 : 1;
    for (size_t i = 0; i < count; i += stride) {
        if (!members[i] && !members[(i + 1) % count]) return false;
    }
    return true;
}

bool has_enough(const NewArray& array, const LevelRule& rule)
{
    if (rule.name == "raid1") return array.missing() < array.members.size();
    if (rule.name == "raid10") return raid10_has_all(array.members);
    return array.missing() <= rule.spared;
}

Result<void> check_chunk(const NewArray& array, const LevelRule& rule)
{
    if (array.chunk.count == 0) return {};
    if (!rule.has_chunk)
        return fail(ErrorKind::usage, fmt::format("a {} has no chunks", array.level), of_create);
    constexpr uint64_t least = 4 << 10, most = 1 << 30;
    if (!std::has_single_bit(array.chunk.count) || array.chunk.count < least || array.chunk.count > most)
        return fail(ErrorKind::usage,
                    fmt::format("a chunk is a power of two from 4K to 1G, not {}", to_text(array.chunk)),
                    of_create);
    return {};
}

}  // namespace

uint64_t NewArray::missing() const
{
    return static_cast<uint64_t>(
        std::ranges::count_if(members, [](const auto& member) { return !member.has_value(); }));
}

Result<void> makes_sense(const NewArray& array)
{
    const auto* const rule = std::ranges::find(level_rules, array.level, &LevelRule::name);
    if (rule == std::end(level_rules))
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" is no level; there are 0, 1, 4, 5, 6 and 10", array.level),
                    of_create);
    if (array.members.size() < rule->least || array.members.size() > most_members)
        return fail(ErrorKind::usage,
                    fmt::format("a {} has {} to {} devices, not {}", array.level, rule->least, most_members,
                                array.members.size()),
                    of_create);
    if (!has_enough(array, *rule))
        return fail(ErrorKind::usage,
                    fmt::format("a {} cannot run with {} of {} devices missing there", array.level,
                                array.missing(), array.members.size()),
                    "name more devices");
    if (array.bitmap == "internal" && !rule->has_bitmap)
        return fail(ErrorKind::usage, fmt::format("a {} has no bitmap", array.level), of_create);
    return check_chunk(array, *rule);
}

}  // namespace belay::storage::md
