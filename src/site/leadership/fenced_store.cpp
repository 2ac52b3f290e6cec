#include "site/leadership/fenced_store.h"

namespace belay::site {
namespace {

std::unexpected<Error> does_not_lead()
{
    return fail(ErrorKind::unavailable, "this controller does not lead the site", "belay status");
}

}  // namespace

void FencedStore::lead(store::Revision term)
{
    const std::lock_guard lock(mutex_);
    term_ = term;
}

void FencedStore::stand_by()
{
    const std::lock_guard lock(mutex_);
    term_.reset();
}

std::optional<store::Revision> FencedStore::term() const
{
    const std::lock_guard lock(mutex_);
    return term_;
}

Result<store::Commit> FencedStore::commit(const store::Transaction& transaction)
{
    const std::optional<store::Revision> led_in = term();
    if (!led_in) return does_not_lead();
    store::Transaction fenced = transaction;
    // The first one: where it fails, the answer is about it.
    fenced.when.insert(fenced.when.begin(),
                       {.of = store::Compare::Of::created, .key = leader_key_, .revision = *led_in});
    store::Commit commit = TRY(store_.commit(fenced));
    if (commit.succeeded) return commit;
    const bool is_of_another = commit.conflict && commit.conflict->key == leader_key_;
    if (is_of_another) return does_not_lead();
    if (!commit.conflict) {
        // A key that is not there failed a comparison; it may be the leader's.
        const std::optional<store::Entry> leader = TRY(store_.get(leader_key_));
        if (!leader || leader->created != *led_in) return does_not_lead();
    }
    return commit;
}

}  // namespace belay::site
