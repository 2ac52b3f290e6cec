#include "backup/maintenance/prune_plan.h"

#include "base/testing/must.h"

#include <doctest/doctest.h>

namespace belay::backup {
namespace {

PackUse pack(uint64_t used, uint64_t unused, bool trees = false)
{
    PackUse use;
    use.used_bytes = used;
    use.unused_bytes = unused;
    use.used_blobs = used != 0 ? 1 : 0;
    use.unused_blobs = unused != 0 ? 1 : 0;
    use.size = used + unused + 36;
    (trees ? use.has_trees : use.has_data) = true;
    return use;
}

using Fates = std::vector<PackFate>;
constexpr PackFate keep = PackFate::keep, again = PackFate::repack, away = PackFate::remove;

TEST_CASE("a limit on what is unused is read as restic's users write it")
{
    CHECK(must(MaxUnused::from_text("5%")).beside(950) == 50);
    CHECK(must(MaxUnused::from_text("0%")).beside(950) == 0);
    CHECK(must(MaxUnused::from_text("12.5%")).beside(875) == 125);
    CHECK(must(MaxUnused::from_text("3k")).beside(1) == 3072);
    CHECK(must(MaxUnused::from_text("2G")).bytes == uint64_t{2} << 30);
    CHECK(must(MaxUnused::from_text("7")).bytes == 7);
    CHECK(must(MaxUnused::from_text("unlimited")).beside(0) == UINT64_MAX);
    for (const std::string_view wrong :
         {"", "%", "100%", "-1%", "nan%", "5x", "5kk", "99999999999T", "-5", "k"})
        CHECK(MaxUnused::from_text(wrong).error().kind == ErrorKind::usage);
}

TEST_CASE("packs that nothing needs go, and those that waste the most are repacked until it is little enough")
{
    const std::vector<PackUse> packs = {pack(1000, 0), pack(0, 1000), pack(900, 100), pack(500, 500),
                                        pack(10, 990)};
    CHECK(plan_prune(packs, {.max_unused = must(MaxUnused::from_text("unlimited"))}, 2).fates ==
          Fates{keep, away, keep, keep, keep});
    const PrunePlan usual = plan_prune(packs, {}, 2);
    CHECK(usual.fates == Fates{keep, away, keep, again, again});
    CHECK(usual.figures.unused_bytes_after() == 100);
    CHECK(usual.figures.freed_bytes() == 1000 + 500 + 990);
    CHECK(plan_prune(packs, {.max_unused = must(MaxUnused::from_text("0"))}, 2).fates ==
          Fates{keep, away, again, again, again});
    CHECK(
        plan_prune(packs, {.max_unused = must(MaxUnused::from_text("0")), .max_repack_size = 600}, 2).fates ==
        Fates{keep, away, keep, again, again});
}

TEST_CASE("trees are repacked however little is wasted; with cacheable only they alone")
{
    const std::vector<PackUse> packs = {pack(1000, 1, true), pack(10, 990), pack(100000, 0)};
    CHECK(plan_prune(packs, {}, 2).fates == Fates{again, keep, keep});
    const PruneLimits all{.max_unused = must(MaxUnused::from_text("0"))};
    CHECK(plan_prune(packs, all, 2).fates == Fates{again, again, keep});
    PruneLimits cacheable = all;
    cacheable.repack_cacheable_only = true;
    CHECK(plan_prune(packs, cacheable, 2).fates == Fates{again, keep, keep});
}

TEST_CASE(
    "small packs are put together where there are enough; plain ones compressed where that is asked for")
{
    std::vector<PackUse> packs(9, pack(2 << 20, 0));
    packs.push_back(pack(16 << 20, 0));
    CHECK(plan_prune(packs, {.repack_small = true}, 2).figures.packs_repack == 0);
    packs.push_back(pack(2000, 0));
    CHECK(plan_prune(packs, {}, 2).figures.packs_repack == 0);
    CHECK(plan_prune(packs, {.repack_small = true}, 2).figures.packs_repack == 10);
    packs.assign(10, pack(600000, 0));
    CHECK(plan_prune(packs, {}, 2).figures.packs_repack == 10);
    packs.assign(10, pack(680000, 0));
    CHECK(plan_prune(packs, {}, 2).figures.packs_repack == 0);
    packs = {pack(1000, 0), pack(1000, 0, true)};
    packs[0].has_plain_data = true;
    packs[1].has_plain_trees = true;
    CHECK(plan_prune(packs, {}, 1).fates == Fates{keep, keep});
    CHECK(plan_prune(packs, {}, 2).fates == Fates{keep, again});
    CHECK(plan_prune(packs, {.repack_uncompressed = true}, 2).fates == Fates{again, again});
}

}  // namespace
}  // namespace belay::backup
