#include "backup/maintenance/retention.h"

#include "base/testing/must.h"

#include <doctest/doctest.h>

namespace belay::backup {
namespace {

Snapshot at(std::string_view time)
{
    Snapshot snapshot;
    snapshot.time = must(Timestamp::from_text(time));
    snapshot.id = Id::of(time);
    return snapshot;
}

TEST_CASE("a span of time is read, written and counted back by the calendar")
{
    CHECK(must(SpanBack::from_text("1y5m7d2h")) == SpanBack{1, 5, 7, 2});
    CHECK(must(SpanBack::from_text("2h1y")).text() == "1y2h");
    const auto back = [](std::string_view span, std::string_view time) {
        return must(SpanBack::from_text(span)).before(must(Timestamp::from_text(time))).text();
    };
    CHECK(back("1m", "2024-03-31T10:00:00Z") == "2024-03-02T10:00:00Z");
    CHECK(back("13m", "2025-03-15T10:00:00+02:00") == "2024-02-15T10:00:00+02:00");
    CHECK(back("1y1d11h", "2025-03-01T10:00:00.5Z") == "2024-02-28T23:00:00.5Z");
    for (const std::string_view wrong : {"", "5", "d", "1d3", "1w", "-1d", "1 d", "99999999999d", "100001y"})
        CHECK(SpanBack::from_text(wrong).error().kind == ErrorKind::usage);
    // However long, it leads back.
    for (const std::string_view span : {"30000y", "65000y", "100000y100000m100000d100000h"}) {
        const Timestamp now = Timestamp::now();
        CHECK(must(SpanBack::from_text(span)).before(now) < Timestamp{.seconds = 0});
    }
}

TEST_CASE("without a limit every day keeps its newest snapshot")
{
    const SnapshotGroup group{.host = "",
                              .paths = {},
                              .tags = {},
                              .snapshots = {at("2024-03-02T10:00:00Z"), at("2024-03-01T11:00:00Z"),
                                            at("2024-03-01T10:00:00Z"), at("2020-01-01T10:00:00Z")}};
    RetentionPolicy policy;
    CHECK(policy.is_empty());
    CHECK(apply_policy(group, policy, Timestamp::now()).keep.size() == 4);
    policy.keep(Period::daily) = RetentionPolicy::unlimited;
    const Retained retained = apply_policy(group, policy, Timestamp::now());
    REQUIRE(retained.remove.size() == 1);
    CHECK(retained.remove[0].id == group.snapshots[2].id);
    CHECK(retained.reasons[2].counters[static_cast<size_t>(Period::daily)] == -1);
    policy.keep(Period::daily) = -2;
    CHECK(policy.is_sensible().error().kind == ErrorKind::usage);
}

TEST_CASE("snapshots are grouped by what was asked for, and by nothing else")
{
    std::vector<Snapshot> all = {at("2024-03-02T10:00:00Z"), at("2024-03-03T10:00:00Z"),
                                 at("2024-03-04T10:00:00Z")};
    all[0].hostname = all[1].hostname = "a";
    all[2].hostname = "b";
    all[0].paths = {"/y", "/x"};
    all[1].paths = {"/x", "/y"};
    const std::vector<SnapshotGroup> groups = group_snapshots(all, must(GroupBy::from_text("host,paths")));
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].paths == std::vector<std::string>{"/x", "/y"});
    CHECK(groups[0].snapshots[0].id == all[1].id);
    CHECK(group_snapshots(all, must(GroupBy::from_text(""))).size() == 1);
    CHECK(GroupBy::from_text("hosts,colour").error().kind == ErrorKind::usage);
}

}  // namespace
}  // namespace belay::backup
