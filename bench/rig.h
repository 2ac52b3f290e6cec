#pragma once
// The real engine on a real database, with actions that cost as little as an action can.

#include "operation/engine.h"

namespace belay::bench {

/// Threads: one.
class Rig {
  public:
    /// The database is made in `folder`. Errors: those of the store.
    static Result<std::unique_ptr<Rig>> open(const std::string& folder);
    /// With a journal that is not durable: what is left is the engine.
    static Result<std::unique_ptr<Rig>> in_memory();

    /// A plan whose steps, all to be activated, do nothing ("bench.nothing"), or run the program true
    /// ("bench.true").
    static operation::Plan plan_of(size_t steps, const std::string& action);

    /// Keeps the plan as an operation and adds it.
    Result<operation::Id> add(const operation::Plan& plan);
    Result<void> request(const operation::Id& id, operation::Verb verb);
    /// Steps until it is in the state. Errors: failed, where it comes to rest in another one.
    Result<void> step_until(const operation::Id& id, operation::State state);
    /// One step after which there is more to do. Errors: failed, where there is not.
    Result<void> step_once(const operation::Id& id);

    operation::Engine& engine() { return *engine_; }

  private:
    Rig();
    Result<void> start(std::unique_ptr<store::Store> store, const std::string& folder);

    operation::Catalogue catalogue_;
    std::unique_ptr<host::Host> host_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<operation::Engine> engine_;
};

}  // namespace belay::bench
