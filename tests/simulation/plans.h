#pragma once
// Plans by the dice: of every length, in every mixture that a procedure could make, and some that fail.

#include "dice.h"
#include "operation/plan.h"

namespace belay::simulation {

/// Whether plans may hold what goes wrong by itself: steps that fail, jobs that stall, promises that the
/// world does not keep.
enum class Trouble { none, some };

/// The plan number `number` of a run: 1..12 steps on one or two resources.
operation::Plan make_plan(Dice& dice, int number, Trouble trouble);

/// The token of a step as its actions know it: "plan-step".
std::string token_of(int plan, size_t step);

}  // namespace belay::simulation
