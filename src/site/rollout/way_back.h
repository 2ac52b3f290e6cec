#pragma once
// How members go back when their site operation does.

#include "operation/action.h"
#include "site/rollout/muster.h"

namespace belay::site {

/// Which members a step takes back.
enum class Back {
    none,
    promises,  ///< those that have promised get their deadline back: they go home even if nobody comes by
    switched,  ///< of its group those that were switched, as far as they can be reached
    all,       ///< everybody, and it waits for those that cannot be reached
};

/// What there is to be taken back, in a few words; empty: nothing.
std::string remains_of(const Muster& muster, Back back);

/// How far they are by themselves; nothing: take_back() has to act, or there is nothing more that it could
/// do. Errors: those of the ledger.
Result<std::optional<operation::Inspection>> going_back_of(Muster& muster, Back back);

/// Asks them to go back. Errors: failed and lost, with those that do not go back, and why.
Result<void> take_back(Muster& muster, Back back);

}  // namespace belay::site
