// What a policy keeps is what Debian's restic keeps by it, for the same reasons.

#include "backup/maintenance/retention.h"

#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

/// Snapshots of an empty folder at random times, in clusters, so that days and hours are shared.
void save_snapshots(const Repository& repository, std::mt19937& random, const Id& tree)
{
    for (const ListedFile& old : must(repository.backend().list(FileKind::snapshot)))
        must(repository.backend().remove({FileKind::snapshot, old.id}));
    const int64_t now = Timestamp::now().seconds;
    int64_t time = now + 100000;  // the first may be of the future
    const size_t count = random() % 60 + 1;
    for (size_t i = 0; i < count; ++i) {
        constexpr std::array<unsigned, 5> steps = {600, 7200, 90000, 800000, 12000000};
        time -= 1 + static_cast<int64_t>(random() % steps[random() % steps.size()]);
        Snapshot snapshot;
        constexpr std::array<int, 3> zones = {0, 7200, -34200};
        snapshot.time = {time, static_cast<uint32_t>(random() % 2 * 5), zones[random() % zones.size()]};
        snapshot.tree = tree;
        snapshot.hostname = random() % 4 == 0 ? "other" : "host";
        snapshot.username = "user";
        snapshot.paths = {"/a"};
        if (random() % 4 == 0) snapshot.paths.emplace_back("/b");
        if (random() % 3 == 0) snapshot.tags.emplace_back("one");
        if (random() % 4 == 0) snapshot.tags.emplace_back("two");
        must(repository.save_text(FileKind::snapshot, snapshot.to_text()));
    }
}

/// The same policy for both: ours, and restic's words.
struct Policy {
    RetentionPolicy ours;
    std::vector<std::string> words;
};

Policy random_policy(std::mt19937& random)
{
    Policy policy;
    for (size_t i = 0; i < period_count; ++i) {
        const auto period = static_cast<Period>(i);
        if (random() % 3 == 0) {
            policy.ours.keep(period) = 1 + static_cast<int64_t>(random() % 9);
            policy.words.push_back(fmt::format("--keep-{}={}", name_of(period), policy.ours.keep(period)));
        }
        if (random() % 3 != 0) continue;
        const std::string span = fmt::format("{}m{}d{}h", random() % 14, random() % 40, random() % 30 + 1);
        policy.ours.keep_within(period) = must(SpanBack::from_text(span));
        policy.words.push_back(i == 0 ? "--keep-within=" + span
                                      : fmt::format("--keep-within-{}={}", name_of(period), span));
    }
    if (random() % 4 == 0) {
        policy.ours.tags.push_back({"one", "two"});
        policy.words.emplace_back("--keep-tag=one,two");
    }
    if (random() % 8 == 0) {
        policy.ours.tags.push_back({""});
        policy.words.emplace_back("--keep-tag=");
    }
    return policy;
}

/// Groups in an order of their own, for restic has none.
std::map<std::string, Json> by_group(const Json& groups)
{
    std::map<std::string, Json> all;
    for (const Json& group : groups)
        all[fmt::format("{} {} {}", group["host"].dump(), group["paths"].dump(), group["tags"].dump())] =
            group;
    return all;
}

TEST_CASE("by any policy the same snapshots stay as with restic, for the same reasons")
{
    const Scratch scratch;
    init(scratch);
    const Repository repository = opened(scratch);
    std::mt19937 random(20261126);
    const Id tree = Id::of("{\"nodes\":[]}\n");
    size_t kept = 0, removed = 0;
    for (size_t round = 0; round < 16; ++round) {
        if (round % 2 == 0) save_snapshots(repository, random, tree);
        const Policy policy = random_policy(random);
        if (policy.ours.is_empty()) continue;
        constexpr std::array<const char*, 4> ways = {"host,paths", "", "tags", "host,paths,tags"};
        const std::string by = ways[random() % ways.size()];
        std::vector<std::string> words = {"forget", "--dry-run", "--json", "--group-by", by};
        words.insert(words.end(), policy.words.begin(), policy.words.end());
        const auto theirs = by_group(must(parse_json(scratch.restic(words))));
        Json ours = Json::array();
        const std::vector<Snapshot> snapshots = must(repository.snapshots(no_problem));
        for (const SnapshotGroup& group : group_snapshots(snapshots, must(GroupBy::from_text(by)))) {
            const Retained retained = apply_policy(group, policy.ours, Timestamp::now());
            kept += retained.keep.size();
            removed += retained.remove.size();
            ours.push_back(to_json(group, retained));
        }
        const auto mine = by_group(ours);
        CAPTURE(fmt::format("round {}: {}", round, fmt::join(words, " ")));
        REQUIRE(mine.size() == theirs.size());
        for (const auto& [name, group] : theirs) {
            REQUIRE(mine.contains(name));
            CHECK(Json::diff(group, mine.at(name)).dump() == "[]");
        }
    }
    CHECK(kept > 50);
    CHECK(removed > 50);
}

}  // namespace
}  // namespace belay::backup
