#pragma once
// The actions of the simulated world, each of several contacts, so that a crash may fall between them, and
// each idempotent and revertible in the way that real ones must be.

#include "operation/action.h"
#include "world.h"

namespace belay::simulation {

/// Whose apply() or revert() is running, as the world sees it.
struct AtWork {
    enum class Doing { nothing, apply, revert } doing = Doing::nothing;
    std::string token;  ///< of the step
};

/// How an action says what remains of it. `asks_for_goal` is the mistake that the simulation must find.
enum class Remains { asks_for_ours, asks_for_goal };

/// Fills the catalogue: stage, set, join, job, charge, wipe, note_down, save and put_back (what wipe
/// destroys). Their arguments: token (unique for each step of each plan), resource, name, and where they
/// apply value, fails ("always", "first"), job
/// ("volatile" or ""), takes_ms (negative: it never moves). `at_work` must outlive the catalogue.
void fill(operation::Catalogue& catalogue, AtWork& at_work, Remains remains);

/// Whether a step's goal is reached, by a look at the machine that shares nothing with the actions.
bool goal_reached(const Machine& machine, const operation::Step& step);

}  // namespace belay::simulation
