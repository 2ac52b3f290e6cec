#include "run.h"

#include <doctest/doctest.h>

namespace belay::simulation {
namespace {

/// The first of these seeds that breaks a promise.
std::optional<uint64_t> first_broken(uint64_t seeds, Defect defect, std::string* promise = nullptr,
                                     Statistics* statistics = nullptr)
{
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        const Report report = run({.seed = seed, .defect = defect});
        if (statistics != nullptr) statistics->add(report.statistics);
        if (!report.violation) continue;
        if (promise != nullptr) *promise = report.violation->promise;
        if (defect == Defect::none)
            MESSAGE(report.violation->promise, ": ", report.violation->what, "; ", replay_command(seed));
        return seed;
    }
    return std::nullopt;
}

TEST_CASE("seeded lives keep every promise, and the seeds meet every fault, every end and crashes everywhere")
{
    Statistics statistics;
    CHECK_FALSE(first_broken(1500, Defect::none, nullptr, &statistics));
    CHECK(fmt::format("{}", fmt::join(statistics.missing(), ", ")) == "");
}

TEST_CASE("a seed tells the same story each time")
{
    for (const uint64_t seed : {3, 17, 99}) {
        const Report once = run({.seed = seed, .explain = true});
        const Report again = run({.seed = seed, .explain = true});
        CHECK(once.story == again.story);
        CHECK(once.story.size() > 20);
    }
}

struct Mistake {
    const char* name;
    Defect defect;
    uint64_t within;  ///< so many seeds
    const char* promise;
};

TEST_CASE("a mistake that is put in on purpose is found, and the same seeds pass without it")
{
    const Mistake mistakes[] = {
        {"the journal drops the intents", Defect::drops_intents, 20, "journal: the intent"},
        {"the journal drops what is being restored", Defect::drops_restores, 50, "journal: the intent"},
        {"the store forgets the locks", Defect::forgets_locks, 20, "3:"},
        {"the boot clock jumps with the wall clock", Defect::boot_clock_jumps, 300, "5:"},
        {"remains() asks for the goal", Defect::remains_asks_for_goal, 100, "2:"},
        {"the store answers before its commit is durable", Defect::acknowledges_too_early, 20, "4:"},
    };
    for (const Mistake& mistake : mistakes) {
        CAPTURE(mistake.name);
        std::string promise;
        const auto found = first_broken(mistake.within, mistake.defect, &promise);
        REQUIRE(found);
        CHECK_MESSAGE(promise.starts_with(mistake.promise), promise);
        CHECK_FALSE(run({.seed = *found}).violation);
    }
}

}  // namespace
}  // namespace belay::simulation
