#pragma once
// Points in time as restic writes them: RFC 3339 with nanoseconds and the zone's offset.

#include "base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace belay::backup {

struct Timestamp {
    int64_t seconds = 0;       ///< since 1970, UTC; before it: negative
    uint32_t nanoseconds = 0;  ///< 0..999,999,999
    int32_t zone_seconds = 0;  ///< of the zone east of Greenwich; does not change the point in time

    /// In the zone of this machine. Threads: any.
    static Timestamp local(int64_t seconds, uint32_t nanoseconds);
    static Timestamp now();

    /// "2026-11-26T10:15:00.5+01:00"; "Z" where the zone is UTC. Years beyond 0..9999 are cut to those.
    std::string text() const;
    /// Errors: corrupt.
    static Result<Timestamp> from_text(std::string_view text);

    std::strong_ordering operator<=>(const Timestamp& other) const;
    bool operator==(const Timestamp& other) const { return (*this <=> other) == std::strong_ordering::equal; }
};

}  // namespace belay::backup
