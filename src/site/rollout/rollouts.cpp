#include "site/rollout/rollouts.h"

namespace belay::site {

MemberNote Rollouts::note(const std::string& rollout, const std::string& member) const
{
    const std::lock_guard lock(mutex_);
    const auto found = notes_.find({rollout, member});
    return found == notes_.end() ? MemberNote{} : found->second;
}

}  // namespace belay::site
