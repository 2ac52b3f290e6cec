#pragma once
// Which snapshots stay, by a policy: the newest of each of the last seven days, of each of twelve months ...
// Source: restic's manual, "Removing snapshots according to a policy"; held to restic's `forget --json`.

#include "backup/maintenance/snapshot_groups.h"
#include "backup/maintenance/span_back.h"

#include <array>

namespace belay::backup {

/// The ways to keep one for each of something; `last` is one for each snapshot.
enum class Period : uint8_t { last, hourly, daily, weekly, monthly, yearly };
inline constexpr size_t period_count = 6;
/// As "hourly".
std::string_view name_of(Period period);

struct RetentionPolicy {
    static constexpr int64_t unlimited = -1;

    /// How many of each period are kept, by Period; the newest snapshot of each counts. 0: none for its sake.
    std::array<int64_t, period_count> count = {};
    /// As `count`, but for the periods within a span before the newest snapshot; of `last`: every snapshot.
    std::array<SpanBack, period_count> within = {};
    /// Snapshots that have all tags of one of the lists stay. The tag "" stands for those without any.
    std::vector<std::vector<std::string>> tags = {};

    int64_t& keep(Period period) { return count[static_cast<size_t>(period)]; }
    SpanBack& keep_within(Period period) { return within[static_cast<size_t>(period)]; }
    /// Whether it says nothing: then nobody should remove anything by it.
    bool is_empty() const;
    /// Errors: usage, where a count is less than -1.
    Result<void> is_sensible() const;
};

/// Why a snapshot stays.
struct KeepReason {
    Id snapshot;
    std::vector<std::string> matches;            ///< "daily snapshot", "within 1y", "has tags [a, b]"
    std::array<int64_t, period_count> counters;  ///< what is left of the counts behind this snapshot
};

struct Retained {
    std::vector<Snapshot> keep, remove;  ///< newest first
    std::vector<KeepReason> reasons;     ///< of `keep`, in its order
};

/// What the policy makes of one group; an empty one keeps all. Spans count from the newest snapshot that is
/// not later than `now`. Threads: any.
Retained apply_policy(const SnapshotGroup& group, const RetentionPolicy& policy, const Timestamp& now);

/// One group of `forget --json`, as restic has it.
Json to_json(const SnapshotGroup& group, const Retained& retained);

}  // namespace belay::backup
