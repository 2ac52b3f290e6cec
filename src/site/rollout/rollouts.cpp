#include "site/rollout/rollouts.h"

namespace belay::site {

MemberNote Rollouts::note(const std::string& rollout, const std::string& member) const
{
    const std::lock_guard lock(mutex_);
    const auto found = notes_.find({rollout, member});
    return found == notes_.end() ? MemberNote{} : found->second;
}

Result<Rollouts::Followed> Rollouts::follow(const operation::Id& id)
{
    Followed followed{.standing = {.id = id}, .asker = {}};
    bool is_new = true;
    {
        const std::lock_guard lock(mutex_);
        const auto known = followed_.find(id);
        is_new = known == followed_.end();
        if (!is_new) followed = known->second;
    }
    TRY(operation::follow(store_, followed.standing));
    if (is_new) followed.asker = TRY(operation::asker_of(store_, id));
    const std::lock_guard lock(mutex_);
    if (followed_.size() >= most_followed) followed_.clear();
    followed_.insert_or_assign(id, followed);
    return followed;
}

}  // namespace belay::site
