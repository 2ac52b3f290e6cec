#pragma once
// The process around the engine, as far as the simulation needs it: it opens the engine, steps what is due,
// and dies.

#include "actions.h"
#include "defects.h"
#include "operation/engine.h"

namespace belay::simulation {

class Daemon {
  public:
    Daemon(host::SimulatedHost& machine, store::MemoryStore& disk, Witness& witness, Defect defect);

    /// Starts. Errors: what the engine's open() says; then it is down.
    Result<void> start();
    void stop() { engine_.reset(); }
    bool is_up() const { return engine_ != nullptr; }
    /// It has died in the middle of something; stop() and start() lead on.
    bool has_died() const { return process_.dead; }
    void forget_death() { process_.dead = false; }

    operation::Engine& engine() { return *engine_; }
    const AtWork& at_work() const { return at_work_; }

    // What is to be stepped, and when.
    void is_due(const operation::Id& id) { due_[id] = Milliseconds{0}; }
    std::vector<operation::Id> due_now() const;
    /// From now; nothing: everything rests.
    std::optional<Milliseconds> next_due() const;
    /// Errors: those of the engine; it is tried again a second later.
    Result<void> step(const operation::Id& id);

  private:
    Milliseconds boot_clock() const;

    host::SimulatedHost& machine_;
    store::MemoryStore& disk_;
    Defect defect_;
    Process process_;
    WitnessHost host_;
    WitnessStore store_;
    std::optional<JumpyHost> jumpy_;
    std::unique_ptr<PassingStore> mistaken_;
    AtWork at_work_;
    operation::Catalogue catalogue_;
    std::unique_ptr<operation::Engine> engine_;
    std::map<operation::Id, Milliseconds> due_;
};

}  // namespace belay::simulation
