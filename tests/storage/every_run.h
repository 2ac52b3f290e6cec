#pragma once
// The fault loops: one task on one shape of machine with every single accident, each in a run of its own.

#include "sampling.h"
#include "trial.h"

#include <algorithm>
#include <atomic>
#include <doctest/doctest.h>
#include <thread>
#include <vector>

namespace belay::simulated {

/// Each which run is done. Under the address sanitizer, which takes ten times as long and looks for other
/// faults, a few are enough.
#ifdef BELAY_SANITIZE_ADDRESS
inline const size_t stride = 97, stride_of_commands = 5;
#else
inline const size_t stride = each(23), stride_of_commands = 1;
#endif

/// One run for each of first..last, or each of every stride, on all processors.
template <typename Run>
void for_each_of(size_t first, size_t last, Run run)
{
    std::atomic<size_t> next = first;
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
        workers.emplace_back([&] {
            for (size_t at = next.fetch_add(stride); at <= last; at = next.fetch_add(stride)) run(at);
        });
}

/// Every end that there is where md copies on the way.
inline const std::vector<Wish> all_wishes = {Wish::commit, Wish::abort_when_added, Wish::abort_in_copy,
                                             Wish::abort_when_activated};

/// What is tried with every accident.
struct Loop {
    std::string name;  ///< for what is said where a promise was broken
    const Shape& shape;
    const Task& task;
    const std::vector<Wish>& wishes;
};

/// What goes wrong at a contact with the machine.
struct Mishap {
    host::Fault::Kind kind;
    bool power_cut = false;
};
inline const std::vector<Mishap> every_mishap = {{host::Fault::Kind::refuse},
                                                 {host::Fault::Kind::lost},
                                                 {host::Fault::Kind::dead},
                                                 {host::Fault::Kind::dead, true}};

/// From where in a run accidents happen. What comes before somebody asks it to go back is much the same as in
/// the run that is to be committed.
enum class From { the_turn, the_start };

/// One run; every promise that it broke is a failure of the test, with the last contacts before it.
inline Verdict held_to_promises(const Loop& loop, Wish wish, const Accident& accident,
                                const std::string& what)
{
    Verdict verdict = try_out(loop.shape, wish, accident, loop.task);
    constexpr size_t enough = 4000;
    for (const std::string& broken : verdict.broken) {
        const size_t from = verdict.log.size() > enough ? verdict.log.size() - enough : 0;
        const std::string story =
            fmt::format("{}, {}, {}: {}\nended {}: {}\n{}", loop.name, name_of(wish), what, broken,
                        name_of(verdict.ended), verdict.reason, verdict.log.substr(from));
        FAIL_CHECK(story);
    }
    return verdict;
}

/// It is committed where it is to be, goes back from wherever it is aborted, and needs nobody's help.
inline void without_accident(const Loop& loop)
{
    for (const Wish wish : loop.wishes) {
        const Verdict verdict = held_to_promises(loop, wish, {}, "no accident");
        CHECK_MESSAGE((verdict.ended == operation::State::committed) == (wish == Wish::commit),
                      verdict.reason);
        CHECK(verdict.held == 0);
    }
}

/// A run for every contact that a run without an accident has. Returns how many.
inline size_t mishap_at_every_contact(const Loop& loop, const std::vector<Mishap>& mishaps,
                                      From from = From::the_turn)
{
    size_t runs = 0;
    for (const Wish wish : loop.wishes) {
        const Verdict whole = try_out(loop.shape, wish, {}, loop.task);
        const size_t before = from == From::the_turn ? whole.turned_at : 0;
        for (const Mishap& mishap : mishaps) {
            runs += whole.contacts - before;
            for_each_of(before + 1, whole.contacts, [&](size_t at) {
                held_to_promises(loop, wish,
                                 {.contact = host::Fault{mishap.kind, at}, .power_cut = mishap.power_cut},
                                 fmt::format("fault {}{} at contact {}", static_cast<int>(mishap.kind),
                                             mishap.power_cut ? " with the power" : "", at));
            });
        }
    }
    return runs;
}

/// The power goes in the middle of each command that changes something. Returns how many runs that takes.
inline size_t power_cut_in_every_command(const Loop& loop)
{
    size_t runs = 0;
    for (const Wish wish : loop.wishes) {
        const std::vector<size_t> commands = try_out(loop.shape, wish, {}, loop.task).commands;
        runs += commands.size();
        for (size_t i = 0; i < commands.size(); i += stride_of_commands)
            held_to_promises(loop, wish,
                             {.contact = host::Fault{host::Fault::Kind::dead, commands[i]},
                              .power_cut = true,
                              .halfway = true},
                             fmt::format("power cut in the middle of contact {}", commands[i]));
    }
    return runs;
}

/// Any write to the journal is the last, kept or not, or is refused. Returns how many runs that takes.
inline size_t mishap_at_every_write(const Loop& loop)
{
    size_t runs = 0;
    for (const Wish wish : loop.wishes) {
        const size_t writes = try_out(loop.shape, wish, {}, loop.task).writes;
        using Fault = store::MemoryStore::Fault;
        for (const Fault fault : {Fault::lost_before, Fault::lost_after, Fault::refuse}) {
            runs += writes;
            for_each_of(1, writes, [&](size_t at) {
                held_to_promises(loop, wish, {.store = fault, .store_at = at},
                                 fmt::format("store fault {} at write {}", static_cast<int>(fault), at));
            });
        }
    }
    return runs;
}

}  // namespace belay::simulated
