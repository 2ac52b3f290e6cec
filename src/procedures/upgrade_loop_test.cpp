// The upgrade of a pair with every single accident: each call of the store, each contact with the host and
// with whoever runs the members refused, its answer lost, the process dead at it; each member dead at each
// look. For every end that it can have, on one host and on two, with a version that is good and with those
// that are not.
//
//     BELAY_UPGRADE_ACCIDENTS=all    all of them, and not some that differ for each pair: a minute

#include "procedures/testing/pair_trial.h"

#include <cstdlib>

namespace belay::procedures {
namespace {

using NewVersion = PairShape::NewVersion;

/// Every so many accidents are tried, others for each shape of a pair.
size_t pair_stride()
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes it
    if (std::getenv("BELAY_UPGRADE_ACCIDENTS") != nullptr) return 1;
#ifdef BELAY_SANITIZE_ADDRESS
    return 41;
#else
    return 5;
#endif
}

/// Calls `run` with some of 1 to `last`.
template <typename Run>
void at_some(size_t last, Run run)
{
    static size_t first = 0;
    const size_t stride = pair_stride();
    first = first % stride + 1;
    for (size_t at = first; at <= last; at += stride) run(at);
}

std::vector<PairShape> every_shape()
{
    std::vector<PairShape> all;
    for (const bool on_two_hosts : {true, false}) {
        for (const bool is_cold : {false, true}) {
            for (const PairWish wish : {PairWish::commit, PairWish::abort_when_added,
                                        PairWish::abort_when_activated, PairWish::let_the_timer_run_out})
                all.push_back({.on_two_hosts = on_two_hosts, .is_cold = is_cold, .wish = wish});
            for (const NewVersion next : {NewVersion::never_starts_first, NewVersion::never_starts_second,
                                          NewVersion::dies_as_primary})
                all.push_back({.on_two_hosts = on_two_hosts, .is_cold = is_cold, .next = next});
        }
    }
    return all;
}

PairVerdict upgraded(const PairShape& shape, const PairAccident& accident, const std::string& what)
{
    PairVerdict verdict = PairTrial(shape, accident).run();
    for (const std::string& broken : verdict.broken)
        FAIL_CHECK(fmt::format("{} {}, wish {}, new version {}, {}: {}; ended {}: {}",
                               shape.is_cold ? "cold" : "hot", shape.on_two_hosts ? "on two hosts" : "on one",
                               static_cast<int>(shape.wish), static_cast<int>(shape.next), what, broken,
                               name_of(verdict.ended), verdict.reason));
    return verdict;
}

TEST_CASE("without an accident a pair is upgraded, or returns from wherever it is aborted")
{
    for (const PairShape& shape : every_shape()) {
        const PairVerdict verdict = upgraded(shape, {}, "no accident");
        const bool seems_good = shape.next == NewVersion::good ||
                                (shape.is_cold && shape.next == NewVersion::never_starts_second);
        const bool commits = shape.wish == PairWish::commit && seems_good;
        CHECK((verdict.ended == operation::State::committed) == commits);
    }
}

TEST_CASE("where the new version dies soon after it began to serve, the old one is still there to serve")
{
    for (const bool on_two_hosts : {true, false}) {
        const PairShape shape{.on_two_hosts = on_two_hosts, .next = NewVersion::dies_soon_as_primary};
        const PairVerdict whole = upgraded(shape, {}, "no accident");
        CHECK(whole.ended == operation::State::aborted);
        for (size_t at = 1; at <= whole.looks; ++at)
            upgraded(shape, {.runner = host::Fault{host::Fault::Kind::lost, at}}, "a look is lost");
    }
}

TEST_CASE("any contact of an upgrade may be refused, its answer lost, or the process dead at it")
{
    size_t runs = 0;
    for (const PairShape& shape : every_shape()) {
        const PairVerdict whole = PairTrial(shape, {}).run();
        using Kind = host::Fault::Kind;
        for (const Kind kind : {Kind::refuse, Kind::lost, Kind::dead}) {
            const auto named = [&](const char* of, size_t at) {
                return fmt::format("fault {} at {} {}", static_cast<int>(kind), of, at);
            };
            at_some(whole.contacts, [&](size_t at) {
                upgraded(shape, {.contact = host::Fault{kind, at}}, named("contact", at));
                ++runs;
            });
            at_some(whole.looks, [&](size_t at) {
                upgraded(shape, {.runner = host::Fault{kind, at}}, named("look", at));
                ++runs;
            });
        }
    }
    CHECK(runs > 50);
    MESSAGE(runs << " runs");
}

TEST_CASE("the process may die at any record of an upgrade, or the record be refused")
{
    size_t runs = 0;
    for (const PairShape& shape : every_shape()) {
        const size_t calls = PairTrial(shape, {}).run().calls;
        using Kind = store::StoreFault::Kind;
        for (const Kind kind : {Kind::refuse, Kind::lost, Kind::dead}) {
            at_some(calls, [&](size_t at) {
                upgraded(shape, {.store = {kind, at}},
                         fmt::format("fault {} at call {} of the store", static_cast<int>(kind), at));
                ++runs;
            });
        }
        at_some(calls, [&](size_t at) {
            upgraded(shape, {.store = {Kind::dead, at}, .is_power_cut = true},
                     fmt::format("the power goes at call {} of the store", at));
            ++runs;
        });
    }
    CHECK(runs > 50);
    MESSAGE(runs << " runs");
}

TEST_CASE("either member may die at any time of an upgrade")
{
    for (const PairShape& shape : every_shape()) {
        const size_t looks = PairTrial(shape, {}).run().looks;
        at_some(looks, [&](size_t at) {
            upgraded(shape, {.active_dies_at = at}, fmt::format("the active one dies at look {}", at));
            upgraded(shape, {.standby_dies_at = at}, fmt::format("the standby dies at look {}", at));
        });
    }
}

}  // namespace
}  // namespace belay::procedures
