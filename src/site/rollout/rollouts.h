#pragma once
// What the actions of site operations work with, and what they know only as long as this process lives.

#include "operation/action.h"
#include "operation/journal.h"
#include "site/rollout/members.h"
#include "site/rollout/part_view.h"
#include "store/store.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace belay::site {

/// Beyond the journal and the ledger; all of it may be lost, and is found again a little later.
struct MemberNote {
    std::optional<Milliseconds> silent_since = {};  ///< boot clock
    std::optional<Error> refused = {};              ///< what it said to what it was asked last
    std::optional<Milliseconds> sent_home = {};     ///< boot clock: when it was asked to abort
    std::optional<Milliseconds> kept = {};          ///< boot clock: when it was asked to wait a little longer
    bool tried_again = false;                       ///< it is held, and was asked to abort all the same
    bool released = false;                          ///< its promise was given back
    std::optional<PartView> aborted = {};           ///< its part, once that has ended so: it changes no more
};

/// Threads: any.
class Rollouts {
  public:
    /// Both outlive it. The store: the site's, in which its operations are.
    Rollouts(Members& members, store::Store& store) : members_(members), store_(store) {}

    Members& members() { return members_; }
    store::Store& store() { return store_; }

    /// Where an operation stands now, and who asked for it. Errors: not_found, corrupt, those of the store.
    struct Followed {
        operation::Standing standing;
        operation::Asker asker;
    };
    Result<Followed> follow(const operation::Id& id);

    MemberNote note(const std::string& rollout, const std::string& member) const;
    /// Changes a note in place.
    template <typename Change>
    void change_note(const std::string& rollout, const std::string& member, Change change)
    {
        const std::lock_guard lock(mutex_);
        // Those of operations that have ended are in nobody's way, until they are too many.
        if (notes_.size() >= most_notes) notes_.clear();
        change(notes_[{rollout, member}]);
    }

  private:
    static constexpr size_t most_notes = 100'000;
    static constexpr size_t most_followed = 100;

    Members& members_;
    store::Store& store_;
    mutable std::mutex mutex_;
    std::map<std::pair<std::string, std::string>, MemberNote> notes_;
    std::map<operation::Id, Followed> followed_;  ///< records are never changed: only new ones are read
};

/// members.add, .activate, .soak, .promise and .commit; the conditions members.answer, .said and .in-order;
/// the fingerprint members.differences. The rollouts outlive the catalogue.
void add_rollout_actions(operation::Catalogue& catalogue, Rollouts& rollouts);

}  // namespace belay::site
