#pragma once
// One run of a procedure on a simulated machine with one accident in it, from the plan to its end, and what
// was broken on the way.

#include "host/faulty.h"
#include "operation/engine.h"
#include "procedures/procedures.h"
#include "shapes.h"
#include "store/memory.h"
#include "watched_host.h"

#include <optional>

namespace belay::simulated {

struct Accident;

/// What the person wants done.
struct Task {
    std::string procedure = "disk.replace";
    std::map<std::string, std::string> arguments = {{"leaving", leaving_serial}, {"joining", joining_serial}};
    /// What is wrong with a machine on which it was committed; empty: nothing. `booted`: what lasts no longer
    /// than a boot may be gone.
    std::function<std::string(const SimulatedStorage&, bool booted)> wrong = nullptr;
    /// What is done to the machine before the run begins.
    std::function<void(SimulatedStorage&)> prepare = nullptr;
    /// Disks of which only the first and last 64 KiB must be as before after an abort.
    std::set<std::string> scratch = {joining_disk};
    /// Parts of the paths that an abort leaves: disks that were found, what `wrong_when_aborted` looks at.
    std::set<std::string> may_stay = {};
    /// What is wrong with a machine on which it was aborted, beside what `may_stay` leaves out.
    std::function<std::string(const SimulatedStorage&)> wrong_when_aborted = nullptr;
    /// What is wrong in the middle of it, after whatever has changed the machine.
    std::function<std::string(const SimulatedStorage&)> wrong_at_any_moment = nullptr;
    /// What people do after each boot.
    std::function<void(SimulatedStorage&)> after_boot = nullptr;
    /// Whether a process or power that is gone may make it go back. Null: never.
    std::function<bool(const Accident&)> crash_may_go_back = nullptr;
};

/// How far the person wants it to go.
enum class Wish { commit, abort_when_added, abort_in_copy, abort_when_activated };
std::string_view name_of(Wish wish);

/// What goes wrong; nothing where all is empty. A process that has died is started again.
struct Accident {
    std::optional<host::Fault> contact = {};
    bool power_cut = false;  ///< a dead contact takes the whole machine down
    bool halfway = false;    ///< in the middle of that contact, and not before it
    store::MemoryStore::Fault store = store::MemoryStore::Fault::none;
    size_t store_at = 0;  ///< the write to the store, counted from 1
    /// The person loses patience while it is activated, after so many contacts. 0: never.
    size_t abort_at = 0;
};

struct Verdict {
    std::vector<std::string> broken;  ///< the promises that were not kept; empty: all is well
    operation::State ended = operation::State::planned;
    std::string reason;
    size_t contacts = 0, writes = 0;  ///< that the run had
    std::vector<size_t> commands;     ///< the contacts that ran a command which changes something
    size_t turned_at = 0;             ///< the contacts before somebody asked it to go back
    int held = 0;                     ///< how often a person had to lead on
    std::string log;                  ///< the contacts, where something was broken
};

Verdict try_out(const Shape& shape, Wish wish, const Accident& accident = {}, const Task& task = {});

}  // namespace belay::simulated
