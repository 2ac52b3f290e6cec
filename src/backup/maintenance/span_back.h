#pragma once
// How far back something is kept, in the calendar's terms: "1y5m7d2h".
// Source: restic's manual, "Removing snapshots according to a policy", --keep-within.

#include "backup/repository/timestamp.h"

namespace belay::backup {

struct SpanBack {
    int years = 0, months = 0, days = 0, hours = 0;

    bool is_nothing() const { return *this == SpanBack{}; }
    /// The point in time that lies so far before `time`, by the calendar of its zone: a month before 31 March
    /// is 31 February, which is 2 or 3 March.
    Timestamp before(const Timestamp& time) const;

    /// "1y5m7d2h"; parts that are zero are left out.
    std::string text() const;
    /// Errors: usage.
    static Result<SpanBack> from_text(std::string_view text);

    bool operator==(const SpanBack&) const = default;
};

}  // namespace belay::backup
