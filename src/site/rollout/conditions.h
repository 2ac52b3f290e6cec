#pragma once
// What is asked about members before, while and after a site operation works on them.

#include "operation/action.h"
#include "site/rollout/rollouts.h"

namespace belay::site {

/// members.answer {members, limit}: all of them can be reached.
/// members.said {verdict, found, wanted, mend}: what a member's own checks came to when the plan was made.
/// members.in-order {a roster}: nobody has gone back; gives them the time that their operation has left.
/// The fingerprint members.differences {a roster}: what members that went back say is not as it was.
void add_rollout_conditions(operation::Catalogue& catalogue, Rollouts& rollouts);

}  // namespace belay::site
