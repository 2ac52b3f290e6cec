#pragma once
// Holds a run against the promises. It believes nothing that the engine keeps in memory: it looks at the
// machine, at what became durable in the store, and at the true time.

#include "actions.h"
#include "operation/engine.h"
#include "witness.h"

#include <optional>

namespace belay::simulation {

using operation::Id;
using operation::Json;
using operation::State;

/// The promise that both the run and the oracle watch.
constexpr std::string_view same_end = "4: a crash ends in the same states as no crash";

struct Violation {
    std::string promise;
    std::string what;
};

/// A timer in true time. Between `low` and `high` it may fire; the two differ by what passed while it was
/// being set.
struct TimerTruth {
    Milliseconds length{0};
    Milliseconds low{0}, high{0};
    bool stopped = false;    ///< then low and high are what is left
    bool uncertain = false;  ///< the machine could not know how long it had been off
};

/// One operation as its durable records tell it.
struct Known {
    operation::Plan plan;
    State state = State::planned;
    State held_in = State::planned;
    uint64_t next_record = 0;
    bool one_shot = false;
    struct StepTruth {
        bool intended = false, done = false, already = false, undone = false, restoring = false;
        bool open() const { return intended && !undone; }
    };
    std::vector<StepTruth> steps = {};
    std::map<std::string, std::string> before = {};  ///< its part of the machine when it was added
    bool was_added = false;
    std::optional<TimerTruth> timer = {};
    bool failed_since_moved = false;
    bool timer_ran_out = false;
    bool cleared = false;
    std::vector<std::string> differences = {};
};

bool has_ended(State state);
/// Between add and its end: it holds its locks.
bool is_at_large(State state);

/// What a person is asking for while records become durable.
struct Asking {
    Id id;
    std::optional<operation::Verb> verb = {};
    std::optional<operation::TimerChange> timer = {};
};

class Oracle {
  public:
    explicit Oracle(const host::SimulatedHost& machine) : machine_(machine) {}

    const std::map<Id, Known>& operations() const { return known_; }
    const Known& known(const Id& id) const { return known_.at(id); }
    const std::optional<Violation>& violation() const { return violation_; }
    void violated(std::string promise, std::string what);

    // The true time. `begun`: when the event began in which things happen now.
    Milliseconds now{0}, begun{0};
    Asking asking;

    /// How many steps were undone by a restore, and whether one is being undone so.
    uint64_t restores() const { return restores_; }
    bool is_restoring(const Id& id) const;
    /// A change is about to reach the machine.
    void changes(const AtWork& at_work, std::string_view what, const std::map<std::string, int>& charged);
    void durable(const store::Transaction& transaction);
    /// An answer that a person got: it must be on the disk.
    void answered(const Id& id, operation::Verb verb);
    /// The machine was off and its wall clock was wrong when it came back, or it was set while nobody could
    /// write that down.
    void clock_lost();
    /// After every event.
    void look_around(store::Store& store);
    /// When everything rests: nobody waits for a timer that will not come.
    void at_rest();

  private:
    void record(const Id& id, const operation::Record& record);
    void check_restored(const Id& id, const operation::Step& step, const Known::StepTruth& truth);
    void moved(const Id& id, Known& known, const Json& detail);
    void timer_written(const Id& id, Known& known);
    void check_cause(const Id& id, const Known& known, State from, const std::string& reason);
    void check_aborted(const Id& id, const Known& known);
    void check_staging_only(const Id& id, const Known& known);
    Known::StepTruth& step_of(Known& known, const Json& detail, const operation::Step** step);
    std::vector<std::string> differing(const Known& known) const;

    const host::SimulatedHost& machine_;
    std::map<Id, Known> known_;
    std::map<std::string, std::pair<Id, size_t>> steps_by_token_;
    std::optional<Violation> violation_;
    uint64_t restores_ = 0;
    store::Revision looked_at_ = -1;
};

}  // namespace belay::simulation
