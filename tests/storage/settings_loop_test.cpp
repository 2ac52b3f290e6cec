// The settings of an array with every single accident, as fault_loop_test.cpp does it for disk.replace.

#include "every_run.h"
#include "trial.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::simulated;
using host::Fault;
using store::MemoryStore;

namespace {

std::string unless(bool right, const std::string& what)
{
    return right ? "" : what;
}

const std::vector<Task> tasks = {
    {"array.bitmap",
     {{"array", "md0"}, {"bitmap", "none"}},
     [](const SimulatedStorage& machine, bool) {
         return unless(machine.setting("md0", "bitmap/location") == "none\n", "the bitmap is there");
     }},
    {"array.sync-speed",
     {{"array", "md0"}, {"max", "300M"}, {"min", "5M"}},
     [](const SimulatedStorage& machine, bool booted) {
         const bool set = machine.setting("md0", "sync_speed_max") == "307200 (local)\n" &&
                          machine.setting("md0", "sync_speed_min") == "5120 (local)\n";
         return unless(set || booted, "the limits are not set");
     }},
    {"array.sync-pause", {{"array", "md0"}}, [](const SimulatedStorage& machine, bool) {
         return unless(machine.setting("md0", "sync_action") == "idle\n", "the array is still held");
     }}};

void check(const Task& task, Wish wish, const Accident& accident, const std::string& what)
{
    const Verdict verdict = try_out(shapes()[0], wish, accident, task);
    for (const std::string& broken : verdict.broken) {
        const std::string story =
            fmt::format("{}, {}, {}: {}\nended {}: {}\n{}", task.procedure, name_of(wish), what, broken,
                        name_of(verdict.ended), verdict.reason, verdict.log);
        FAIL_CHECK(story);
    }
}

const std::vector<Wish> most_wishes = {Wish::commit, Wish::abort_when_added, Wish::abort_when_activated};

}  // namespace

TEST_CASE("without an accident each setting is made, and goes back from wherever it is aborted")
{
    for (const Task& task : tasks) {
        for (const Wish wish : most_wishes) {
            check(task, wish, {}, "no accident");
            const Verdict verdict = try_out(shapes()[0], wish, {}, task);
            CHECK((verdict.ended == operation::State::committed) == (wish == Wish::commit));
            CHECK(verdict.held == 0);
        }
    }
}

TEST_CASE("any contact of a setting may be refused, its answer lost, the process or the power gone at it")
{
    size_t runs = 0;
    for (const Task& task : tasks) {
        for (const Wish wish : most_wishes) {
            const size_t contacts = try_out(shapes()[0], wish, {}, task).contacts;
            for_each_of(1, contacts, [&](size_t at) {
                for (const auto kind : {Fault::Kind::refuse, Fault::Kind::lost, Fault::Kind::dead})
                    check(task, wish, {.contact = Fault{kind, at}},
                          fmt::format("fault {} at contact {}", static_cast<int>(kind), at));
                check(task, wish, {.contact = Fault{Fault::Kind::dead, at}, .power_cut = true},
                      fmt::format("the power gone at contact {}", at));
            });
            runs += 4 * contacts;
        }
    }
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}

TEST_CASE("any write to the journal of a setting may be the last, kept or not, and any may be refused")
{
    for (const Task& task : tasks) {
        for (const Wish wish : most_wishes) {
            const size_t writes = try_out(shapes()[0], wish, {}, task).writes;
            for (const auto fault : {MemoryStore::Fault::lost_before, MemoryStore::Fault::lost_after,
                                     MemoryStore::Fault::refuse}) {
                for (size_t at = 1; at <= writes; ++at)
                    check(task, wish, {.store = fault, .store_at = at},
                          fmt::format("store fault {} at write {}", static_cast<int>(fault), at));
            }
        }
    }
}
