#pragma once
// One look at all members of a site operation, and what is asked of them upon it.

#include "operation/journal.h"
#include "site/rollout/ledger.h"
#include "site/rollout/part_view.h"
#include "site/rollout/rollouts.h"
#include "site/rollout/roster.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace belay::site {

/// What a step wants of a member.
enum class Aim {
    add,
    activate,
    stay,  ///< as it is: nothing but that it does not go back
    promise,
    commit,
};

/// How far a member is with it.
enum class Mark {
    done,
    working,  ///< by itself
    wanting,  ///< to be asked
    silent,   ///< it does not answer, and not for too long yet
    failed,   ///< it will not come about
};

/// A member as it was found.
struct Mustered {
    MemberName name;
    bool in_group = true;
    std::optional<std::string> left_out = {};  ///< why
    std::optional<PartView> part = {};         ///< nothing: it does not answer
    std::optional<Error> error = {};           ///< why not
    Milliseconds silent_for{0};
    std::optional<Error> refused = {};
};

/// What all of them together come to.
struct Assessment {
    uint64_t done = 0, total = 0;  ///< of the group, without those that are left out
    uint64_t silent = 0;           ///< of all, not for too long yet
    /// Of all, by id: a sentence each; those that go with one that has failed as well.
    std::map<std::string, std::string> failed = {};
    std::vector<std::string> pending = {};  ///< of the group: a few words each
    bool beyond_limit = false;              ///< more failed than may be left out
};

/// "web1 is adding; web2 ...; and 7 more"
std::string joined(const std::vector<std::string>& sentences);
/// The same of those that have failed.
std::string failures_in(const Assessment& assessment);

/// Threads: one.
class Muster {
  public:
    /// Asks all members of the roster. Errors: not_found where no operation works by this roster, those of
    /// the store and of the clock; a member that does not answer is none.
    static Result<Muster> call(Rollouts& rollouts, host::Host& host, Roster roster);

    const Roster& roster() const { return roster_; }
    const operation::Standing& standing() const { return standing_; }
    const host::Moment& now() const { return now_; }
    Ledger& ledger() { return ledger_; }
    /// They have had their part: whoever knows nothing of it has lost it.
    bool all_added() const { return all_added_; }
    std::vector<Mustered>& members() { return members_; }
    const std::vector<Mustered>& members() const { return members_; }

    Mark mark_of(const Mustered& member, Aim aim) const;
    Assessment assess(Aim aim) const;

    /// The operation stands in the step that asks, on its way there: what is done now is its doing. Errors:
    /// busy, where another controller has gone on with it.
    Result<void> check_turn(operation::State state) const;
    /// Leaves out who has failed, as long as that is within the limit; durable when it returns. Errors:
    /// failed, with who has failed, where it is not; those of Ledger.
    Result<void> leave_out(Aim aim);
    /// What members said no to is asked anew.
    void forget_refusals();
    /// Sends those home that are left out and can be reached.
    void send_home_left_out();
    /// Sees to it that no member goes back by itself before the operation would.
    void keep_deadlines();

    /// When to look again at members that are on their way. Each look asks all of them, so many are asked
    /// less often.
    Milliseconds next_look_soon() const;

    /// How long a member that is asked now has to wait before it goes back by itself.
    Milliseconds deadline() const;

    /// Asks members for a thing; what they answer is how they stand from then on.
    void adopt(const std::vector<Mustered*>& members, const Json& plans);
    void request(const std::vector<Mustered*>& members, std::string_view verb,
                 std::optional<Milliseconds> keep = {});
    std::vector<Mustered*> those(const std::function<bool(const Mustered&)>& wanted);

    /// A few words on a member for a person: "web1 is adding (operation 4 there)".
    std::string sentence_of(const Mustered& member) const;
    MemberNote note_of(const Mustered& member) const;
    template <typename Change>
    void change_note(const Mustered& member, Change change)
    {
        rollouts_->change_note(roster_.rollout, member.name.id, std::move(change));
    }

  private:
    Muster(Rollouts& rollouts, Roster roster, operation::Standing standing, host::Moment now)
        : rollouts_(&rollouts),
          roster_(std::move(roster)),
          standing_(std::move(standing)),
          now_(std::move(now)),
          ledger_(rollouts.store(), roster_.rollout)
    {
    }

    Result<void> look();
    void ask(const std::vector<Mustered*>& members, const std::vector<MemberQuestion>& questions,
             Milliseconds limit, bool is_look);
    std::map<std::string, std::string> failed_at(Aim aim) const;
    void take_answer(Mustered& member, const Result<Json>& answer, bool is_look);
    std::string key_of(const Mustered& member) const;
    std::string why() const;

    Rollouts* rollouts_;
    Roster roster_;
    operation::Standing standing_;
    host::Moment now_;
    Ledger ledger_;
    bool all_added_ = false;
    std::string asker_;
    std::string reason_;
    std::vector<Mustered> members_;
};

}  // namespace belay::site
