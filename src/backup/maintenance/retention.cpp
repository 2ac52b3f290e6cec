#include "backup/maintenance/retention.h"

#include <algorithm>
#include <chrono>

namespace belay::backup {
namespace {

constexpr std::array<std::string_view, period_count> period_names = {"last",   "hourly",  "daily",
                                                                     "weekly", "monthly", "yearly"};

/// A number that two snapshots share where they are of the same period, by the calendar of their zone.
int64_t number_of(Period period, const Timestamp& time, size_t place)
{
    using namespace std::chrono;
    const sys_seconds there{seconds(time.seconds + time.zone_seconds)};
    const sys_days day = floor<days>(there);
    const year_month_day date(day);
    const int64_t year = static_cast<int>(date.year());
    const int64_t month = year * 100 + static_cast<unsigned>(date.month());
    switch (period) {
        case Period::last:
            return static_cast<int64_t>(place);
        case Period::hourly:
            return duration_cast<hours>(there.time_since_epoch()).count();
        case Period::daily:
            return day.time_since_epoch().count();
        case Period::weekly:
            return floor<weeks>(day - sys_days(1970y / January / 5)).count();  // a Monday
        case Period::monthly:
            return month;
        case Period::yearly:
            return year;
    }
    return 0;
}

/// As restic's forget has it, where "" in a list with other tags is met by having none.
bool keeps_by_tags(const Snapshot& snapshot, const std::vector<std::string>& tags)
{
    return std::ranges::all_of(tags, [&](const std::string& tag) {
        if (tag.empty() && snapshot.tags.empty()) return true;
        return std::ranges::find(snapshot.tags, tag) != snapshot.tags.end();
    });
}

/// What was seen of a period so far.
struct Seen {
    int64_t left = 0;
    std::optional<int64_t> by_count, within;
};

class Keeper {
  public:
    Keeper(const RetentionPolicy& policy, const Timestamp& newest) : policy_(policy), newest_(newest)
    {
        for (size_t i = 0; i < period_count; ++i) seen_[i].left = policy.count[i];
    }

    /// Why this snapshot stays; the ones before it were asked about before.
    KeepReason look_at(const Snapshot& snapshot, size_t place)
    {
        KeepReason reason{snapshot.id, {}, {}};
        for (const std::vector<std::string>& tags : policy_.tags) {
            if (keeps_by_tags(snapshot, tags))
                reason.matches.push_back(fmt::format("has tags [{}]", fmt::join(tags, ", ")));
        }
        const SpanBack& all = policy_.within[0];
        if (!all.is_nothing() && snapshot.time > all.before(newest_))
            reason.matches.push_back(fmt::format("within {}", all.text()));
        for (size_t i = 0; i < period_count; ++i) count(static_cast<Period>(i), snapshot, place, reason);
        for (size_t i = 1; i < period_count; ++i) span(static_cast<Period>(i), snapshot, place, reason);
        for (size_t i = 0; i < period_count; ++i) reason.counters[i] = seen_[i].left;
        return reason;
    }

  private:
    void count(Period period, const Snapshot& snapshot, size_t place, KeepReason& reason)
    {
        Seen& seen = seen_[static_cast<size_t>(period)];
        if (seen.left == 0) return;
        const int64_t number = number_of(period, snapshot.time, place);
        if (seen.by_count == number) return;
        seen.by_count = number;
        if (seen.left > 0) --seen.left;
        reason.matches.push_back(fmt::format("{} snapshot", name_of(period)));
    }
    void span(Period period, const Snapshot& snapshot, size_t place, KeepReason& reason)
    {
        const SpanBack& within = policy_.within[static_cast<size_t>(period)];
        if (within.is_nothing() || snapshot.time <= within.before(newest_)) return;
        Seen& seen = seen_[static_cast<size_t>(period)];
        const int64_t number = number_of(period, snapshot.time, place);
        if (seen.within == number) return;
        seen.within = number;
        reason.matches.push_back(fmt::format("{} within {}", name_of(period), within.text()));
    }

    const RetentionPolicy& policy_;
    Timestamp newest_;
    std::array<Seen, period_count> seen_;
};

Json list_or_null(std::vector<Json> list)
{
    return list.empty() ? Json() : Json(std::move(list));
}

Json words_or_null(const std::vector<std::string>& words)
{
    return words.empty() ? Json() : Json(words);
}

Json snapshots_json(const std::vector<Snapshot>& snapshots)
{
    std::vector<Json> list;
    for (const Snapshot& snapshot : snapshots) list.push_back(snapshot.to_json());
    return list_or_null(std::move(list));
}

}  // namespace

std::string_view name_of(Period period)
{
    return period_names[static_cast<size_t>(period)];
}

bool RetentionPolicy::is_empty() const
{
    return tags.empty() && std::ranges::all_of(count, [](int64_t one) { return one == 0; }) &&
           std::ranges::all_of(within, &SpanBack::is_nothing);
}

Result<void> RetentionPolicy::is_sensible() const
{
    for (size_t i = 0; i < period_count; ++i) {
        if (count[i] < unlimited)
            return fail(ErrorKind::usage,
                        fmt::format("{} snapshots cannot be kept (--keep-{})", count[i], period_names[i]),
                        "give a number from 0, or \"unlimited\"");
    }
    return {};
}

Retained apply_policy(const SnapshotGroup& group, const RetentionPolicy& policy, const Timestamp& now)
{
    Retained retained;
    if (policy.is_empty()) {
        retained.keep = group.snapshots;
        for (const Snapshot& snapshot : retained.keep)
            retained.reasons.push_back({snapshot.id, {"policy is empty"}, {}});
        return retained;
    }
    // One of the future, by a clock that was wrong, would have all others removed.
    const auto newest =
        std::ranges::find_if(group.snapshots, [&](const Snapshot& one) { return one.time < now; });
    Keeper keeper(policy, newest != group.snapshots.end() ? newest->time : Timestamp{});
    for (size_t place = 0; place < group.snapshots.size(); ++place) {
        const Snapshot& snapshot = group.snapshots[place];
        KeepReason reason = keeper.look_at(snapshot, place);
        if (reason.matches.empty()) {
            retained.remove.push_back(snapshot);
            continue;
        }
        retained.keep.push_back(snapshot);
        retained.reasons.push_back(std::move(reason));
    }
    return retained;
}

Json to_json(const SnapshotGroup& group, const Retained& retained)
{
    std::vector<Json> reasons;
    for (size_t i = 0; i < retained.reasons.size(); ++i) {
        Json snapshot = retained.keep[i].to_json();
        snapshot.erase("id");
        snapshot.erase("short_id");
        Json counters = Json::object();
        for (size_t period = 0; period < period_count; ++period) {
            const int64_t left = retained.reasons[i].counters[period];
            if (left != 0) counters[std::string(period_names[period])] = left;
        }
        reasons.push_back(
            {{"snapshot", snapshot}, {"matches", retained.reasons[i].matches}, {"counters", counters}});
    }
    return {{"tags", words_or_null(group.tags)},         {"host", group.host},
            {"paths", words_or_null(group.paths)},       {"keep", snapshots_json(retained.keep)},
            {"remove", snapshots_json(retained.remove)}, {"reasons", list_or_null(std::move(reasons))}};
}

}  // namespace belay::backup
