// The actions of a site operation: each asks members for one thing and waits until all of them have done it.

#include "site/rollout/conditions.h"
#include "site/rollout/muster.h"
#include "site/rollout/way_back.h"

namespace belay::site {
namespace {

using operation::Inspection;
using operation::State;

constexpr Milliseconds next_look_later = std::chrono::seconds(5);

/// Whom something is asked of, when, and what becomes of those that have failed.
class MembersAction : public operation::Action {
  public:
    MembersAction(Rollouts& rollouts, Aim aim, State while_in, Back back)
        : rollouts_(rollouts), aim_(aim), while_in_(while_in), back_(back)
    {
    }

    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        Muster muster = TRY(muster_of(host, arguments));
        return find(muster);
    }

    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        Muster muster = TRY(muster_of(host, arguments));
        TRY(muster.check_turn(while_in_));
        TRY(prepare(muster));
        muster.forget_refusals();
        if (leaves_out()) {
            TRY(muster.leave_out(aim_));
            muster.keep_deadlines();
            muster.send_home_left_out();
        }
        act(muster, arguments);
        if (leaves_out()) return muster.leave_out(aim_);
        const Assessment assessment = muster.assess(aim_);
        if (assessment.beyond_limit) return fail(ErrorKind::failed, failures_in(assessment));
        return {};
    }

    Result<std::string> remains(host::Host& host, const Json& arguments, const Json&) const override
    {
        if (back_ == Back::none) return std::string();
        const Muster muster = TRY(muster_of(host, arguments));
        return remains_of(muster, back_);
    }

    Result<void> revert(host::Host& host, const Json& arguments, const Json&) const override
    {
        Muster muster = TRY(muster_of(host, arguments));
        return take_back(muster, back_);
    }

    Result<std::optional<Inspection>> going_back(host::Host& host, const Json& arguments,
                                                 const Json&) const override
    {
        Muster muster = TRY(muster_of(host, arguments));
        return going_back_of(muster, back_);
    }

  protected:
    /// What has to be durable before anybody is asked.
    virtual Result<void> prepare(Muster&) const { return {}; }
    virtual void act(Muster& muster, const Json& arguments) const = 0;
    /// How far it has come.
    virtual Result<Inspection> find(Muster& muster) const
    {
        const Assessment assessment = muster.assess(aim_);
        Inspection inspection{.progress = operation::Progress{
                                  .done = assessment.done, .total = assessment.total, .unit = "hosts"}};
        if (assessment.beyond_limit && (leaves_out() || assessment.pending.empty())) {
            inspection.found = Inspection::Found::partial;
            inspection.detail = failures_in(assessment);
            return inspection;
        }
        if (assessment.failed.empty() && assessment.done == assessment.total) {
            inspection.found = Inspection::Found::done;
            inspection.detail = all_of(muster, assessment);
            return inspection;
        }
        if (!muster.standing().is_at(muster.roster().step)) return inspection;
        std::vector<std::string> sentences = assessment.pending;
        for (const auto& [member, sentence] : assessment.failed) sentences.push_back(sentence);
        inspection.found = Inspection::Found::unfinished;
        inspection.detail = joined(sentences);
        const bool only_silent = !sentences.empty() && assessment.silent == sentences.size();
        inspection.look_again = only_silent ? next_look_later : muster.next_look_soon();
        return inspection;
    }

    /// Past the promise nobody is left out: what is decided is decided for all.
    bool leaves_out() const { return aim_ != Aim::commit; }

    /// "3 hosts, without web2: it does not answer"
    static std::string all_of(const Muster& muster, const Assessment& assessment)
    {
        std::string text = fmt::format("{} host{}", assessment.total, assessment.total == 1 ? "" : "s");
        std::vector<std::string> without;
        for (const Mustered& member : muster.members()) {
            if (member.left_out) without.push_back(*member.left_out);
        }
        return without.empty() ? text : fmt::format("{}; left out: {}", text, joined(without));
    }

    Result<Muster> muster_of(host::Host& host, const Json& arguments) const
    {
        return Muster::call(rollouts_, host, arguments.get<Roster>());
    }

    Rollouts& rollouts_;
    const Aim aim_;
    const State while_in_;
    const Back back_;
};

/// Members of the group that want something, and can be asked.
std::vector<Mustered*> wanting(Muster& muster, Aim aim)
{
    return muster.those([&](const Mustered& member) {
        return member.in_group && !member.left_out && muster.mark_of(member, aim) == Mark::wanting;
    });
}

/// Gives each its plan, and when all have it lets them prepare.
class AddMembers final : public MembersAction {
  public:
    explicit AddMembers(Rollouts& rollouts) : MembersAction(rollouts, Aim::add, State::adding, Back::all) {}

  protected:
    Result<void> prepare(Muster& muster) const override { return muster.ledger().begin(muster.standing()); }
    void act(Muster& muster, const Json& arguments) const override
    {
        const auto without_plan = [](const Mustered& member) { return !member.part->state.has_value(); };
        std::vector<Mustered*> to_adopt = wanting(muster, Aim::add);
        std::erase_if(to_adopt, [&](const Mustered* member) { return !without_plan(*member); });
        muster.adopt(to_adopt, arguments.at("plans"));
        for (const Mustered& member : muster.members()) {
            if (member.left_out) continue;
            if (member.refused || !member.part || without_plan(member)) return;
        }
        muster.request(wanting(muster, Aim::add), "add");
    }
};

class ActivateMembers final : public MembersAction {
  public:
    explicit ActivateMembers(Rollouts& rollouts)
        : MembersAction(rollouts, Aim::activate, State::activating, Back::switched)
    {
    }

  protected:
    Result<void> prepare(Muster& muster) const override
    {
        return muster.ledger().note_added(muster.standing());
    }
    void act(Muster& muster, const Json&) const override
    {
        muster.request(wanting(muster, Aim::activate), "activate");
    }
};

/// Waits, and watches that nobody goes back meanwhile.
class SoakMembers final : public MembersAction {
  public:
    explicit SoakMembers(Rollouts& rollouts)
        : MembersAction(rollouts, Aim::stay, State::activating, Back::none)
    {
    }

  protected:
    Result<void> prepare(Muster& muster) const override
    {
        const Roster& roster = muster.roster();
        return muster.ledger().start_timer(muster.standing(), roster.step, roster.soak, muster.now());
    }
    void act(Muster&, const Json&) const override {}
    Result<Inspection> find(Muster& muster) const override
    {
        Inspection inspection = TRY(MembersAction::find(muster));
        const bool in_order = inspection.found == Inspection::Found::done;
        if (inspection.found == Inspection::Found::partial) return inspection;
        const std::optional<operation::Timer> timer = TRY(muster.ledger().timer(muster.roster().step));
        if (!timer) return Inspection{};
        const auto seconds = [](Milliseconds span) {
            return static_cast<uint64_t>(
                std::chrono::duration_cast<std::chrono::seconds>(std::max(span, Milliseconds{0})).count());
        };
        const Milliseconds soak = muster.roster().soak;
        const Milliseconds left = left_of(*timer, muster.now());
        inspection.progress =
            operation::Progress{.done = seconds(soak - left), .total = seconds(soak), .unit = "seconds"};
        if (in_order && left <= Milliseconds{0}) return inspection;
        inspection.found = Inspection::Found::unfinished;
        const bool soon = !in_order || left < next_look_later;
        inspection.look_again =
            soon ? std::max(std::min(left, muster.next_look_soon()), Milliseconds{1}) : next_look_later;
        if (left <= Milliseconds{0}) inspection.look_again = muster.next_look_soon();
        return inspection;
    }
};

class PromiseOfMembers final : public MembersAction {
  public:
    explicit PromiseOfMembers(Rollouts& rollouts)
        : MembersAction(rollouts, Aim::promise, State::committing, Back::promises)
    {
    }

  protected:
    void act(Muster& muster, const Json&) const override
    {
        for (const Mustered& member : muster.members())
            muster.change_note(member, [](MemberNote& note) { note.released = false; });
        muster.request(wanting(muster, Aim::promise), "promise");
    }
};

class CommitMembers final : public MembersAction {
  public:
    explicit CommitMembers(Rollouts& rollouts)
        : MembersAction(rollouts, Aim::commit, State::committing, Back::none)
    {
    }

  protected:
    void act(Muster& muster, const Json&) const override
    {
        muster.request(muster.those([&](const Mustered& member) {
            const bool held = member.part->state == State::held && member.part->held_in == State::committing;
            return !member.left_out && (held || muster.mark_of(member, Aim::commit) == Mark::wanting);
        }),
                       "commit");
    }
    Result<Inspection> find(Muster& muster) const override
    {
        const Assessment assessment = muster.assess(Aim::commit);
        if (assessment.beyond_limit && !muster.standing().has_begun(muster.roster().step))
            return fail(ErrorKind::refused,
                        fmt::format("nothing is committed yet, and not all stand by their promise: {}",
                                    failures_in(assessment)),
                        fmt::format("belay abort {}", muster.standing().id));
        return MembersAction::find(muster);
    }
};

}  // namespace

void add_rollout_actions(operation::Catalogue& catalogue, Rollouts& rollouts)
{
    catalogue.add("members.add", std::make_unique<AddMembers>(rollouts));
    catalogue.add("members.activate", std::make_unique<ActivateMembers>(rollouts));
    catalogue.add("members.soak", std::make_unique<SoakMembers>(rollouts));
    catalogue.add("members.promise", std::make_unique<PromiseOfMembers>(rollouts));
    catalogue.add("members.commit", std::make_unique<CommitMembers>(rollouts));
    add_rollout_conditions(catalogue, rollouts);
}

}  // namespace belay::site
