#include "site/rollout/muster.h"

#include <algorithm>

namespace belay::site {
namespace {

using operation::State;

constexpr Milliseconds look_limit = std::chrono::seconds(10);
constexpr size_t most_asked_often = 10;
constexpr Milliseconds act_limit = std::chrono::seconds(60);  ///< checks of a member may take a while
/// Members go back by themselves so much later than their operation would take them.
constexpr Milliseconds margin = std::chrono::minutes(1);
constexpr Milliseconds commit_margin = std::chrono::minutes(5);
constexpr size_t most_sentences = 5;

/// Whether an error tells that the question did not come through, and not what the member says to it.
bool came_not_through(const Error& error)
{
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout ||
           error.kind == ErrorKind::lost || error.kind == ErrorKind::dead;
}

Mark mark_of_part(const PartView& part, Aim aim)
{
    if (!part.state) return aim == Aim::add ? Mark::wanting : Mark::failed;
    switch (*part.state) {
        case State::planned:
            return aim == Aim::add ? Mark::wanting : Mark::failed;
        case State::adding:
            return aim == Aim::stay ? Mark::done : Mark::working;
        case State::added:
            if (aim == Aim::activate) return Mark::wanting;
            return aim == Aim::add || aim == Aim::stay ? Mark::done : Mark::failed;
        case State::activating:
            return aim == Aim::add || aim == Aim::stay ? Mark::done : Mark::working;
        case State::activated:
            if (aim == Aim::promise) return part.promised ? Mark::done : Mark::wanting;
            if (aim == Aim::commit) return part.promised ? Mark::wanting : Mark::failed;
            return Mark::done;
        case State::committing:
            return aim == Aim::commit ? Mark::working : Mark::done;
        case State::committed:
            return Mark::done;
        case State::aborting:
        case State::aborted:
        case State::held:
            return Mark::failed;
    }
    return Mark::failed;
}

}  // namespace

std::string joined(const std::vector<std::string>& sentences)
{
    if (sentences.size() <= most_sentences) return fmt::format("{}", fmt::join(sentences, "; "));
    const std::vector<std::string> first(sentences.begin(), sentences.begin() + most_sentences);
    return fmt::format("{}; and {} more", fmt::join(first, "; "), sentences.size() - most_sentences);
}

std::string failures_in(const Assessment& assessment)
{
    std::vector<std::string> sentences;
    for (const auto& [member, sentence] : assessment.failed) sentences.push_back(sentence);
    return joined(sentences);
}

Result<Muster> Muster::call(Rollouts& rollouts, host::Host& host, Roster roster)
{
    const std::optional<operation::Id> id = TRY(operation::holder_of(rollouts.store(), lock_of(roster)));
    if (!id) return fail(ErrorKind::not_found, fmt::format("no operation holds {}", lock_of(roster)));
    Rollouts::Followed followed = TRY(rollouts.follow(*id));
    host::Moment now = TRY(host.now());
    Muster muster(rollouts, std::move(roster), std::move(followed.standing), std::move(now));
    muster.asker_ = followed.asker.user;
    muster.reason_ = followed.asker.why;
    TRY(muster.look());
    return muster;
}

std::string Muster::key_of(const Mustered& member) const
{
    return text_of(PartKey{roster_.site, standing_.id, roster_.rollout, member.name.id});
}

std::string Muster::why() const
{
    return fmt::format("operation {} of the site {}{}{}", standing_.id, roster_.site,
                       reason_.empty() ? "" : ": ", reason_);
}

Result<void> Muster::look()
{
    const std::map<std::string, std::string> left_out = TRY(ledger_.left_out());
    all_added_ = TRY(ledger_.all_added());
    std::vector<Mustered*> all;
    std::vector<MemberQuestion> questions;
    members_.reserve(roster_.members.size());
    for (const MemberName& name : roster_.members) {
        Mustered& member =
            members_.emplace_back(Mustered{.name = name, .in_group = roster_.in_group(name.id)});
        if (const auto out = left_out.find(name.id); out != left_out.end()) member.left_out = out->second;
        member.refused = note_of(member).refused;
        all.push_back(&member);
        questions.push_back({name.id, "PartShow", {{"key", key_of(member)}}});
    }
    ask(all, questions, look_limit, true);
    return {};
}

void Muster::ask(const std::vector<Mustered*>& members, const std::vector<MemberQuestion>& questions,
                 Milliseconds limit, bool is_look)
{
    if (members.empty()) return;
    const std::vector<Result<Json>> answers = rollouts_->members().ask(questions, asker_, limit);
    for (size_t i = 0; i < members.size(); ++i) take_answer(*members[i], answers[i], is_look);
}

void Muster::take_answer(Mustered& member, const Result<Json>& answer, bool is_look)
{
    Result<PartView> part =
        answer ? from_json_value<PartView>(*answer) : Result<PartView>(std::unexpected(answer.error()));
    const bool said_no = !part && !is_look && !came_not_through(part.error());
    change_note(member, [&](MemberNote& note) {
        if (said_no) {
            note.refused = part.error();
        } else if (!part) {
            if (!note.silent_since) note.silent_since = now_.boot;
            member.silent_for = now_.boot - *note.silent_since;
        } else {
            note.silent_since.reset();
            if (!is_look) note.refused.reset();
            if (part->state == State::aborted) note.aborted = *part;
        }
    });
    // Who has gone back need not answer any more for the others to end.
    if (const MemberNote note = note_of(member); !part && !said_no && note.aborted) part = *note.aborted;
    if (said_no) {
        member.refused = part.error();
    } else if (!part) {
        member.part.reset();
        member.error = part.error();
    } else {
        member.part = std::move(*part);
        member.error.reset();
        if (!is_look) member.refused.reset();
    }
}

std::string Muster::sentence_of(const Mustered& member) const
{
    const std::string& name = member.name.name;
    if (member.refused) return fmt::format("{}: {}", name, member.refused->what);
    if (!member.part) return fmt::format("{} does not answer: {}", name, member.error->what);
    const PartView& part = *member.part;
    if (!part.state) return fmt::format("{} knows nothing of its part", name);
    const std::string state = part.state == State::held ? fmt::format("held while {}", name_of(part.held_in))
                                                        : std::string(name_of(*part.state));
    // What it promised is no news.
    const bool says_why = !part.reason.empty() && part.state != State::activated;
    const std::string reason = says_why ? ": " + part.reason : "";
    const std::string number =
        part.operation.empty() ? "" : fmt::format(" (operation {} there)", part.operation);
    return fmt::format("{} is {}{}{}", name, state, number, reason);
}

Mark Muster::mark_of(const Mustered& member, Aim aim) const
{
    if (member.refused) return Mark::failed;
    if (!member.part) return member.silent_for >= roster_.silence ? Mark::failed : Mark::silent;
    return mark_of_part(*member.part, member.in_group ? aim : Aim::stay);
}

/// Who has failed, and who goes with those.
std::map<std::string, std::string> Muster::failed_at(Aim aim) const
{
    std::map<std::string, std::string> failed;
    for (const Mustered& member : members_) {
        if (!member.left_out && mark_of(member, aim) == Mark::failed)
            failed[member.name.id] = sentence_of(member);
    }
    // Past the decision nobody is left out any more.
    if (aim == Aim::commit) return failed;
    const std::map<std::string, std::string> by_themselves = failed;
    for (const std::vector<std::string>& bound : roster_.together) {
        for (const Mustered& member : members_) {
            const bool is_bound = std::ranges::find(bound, member.name.id) != bound.end();
            if (!is_bound || member.left_out || failed.contains(member.name.id)) continue;
            const auto with = std::ranges::find_if(
                bound, [&](const std::string& other) { return by_themselves.contains(other); });
            if (with != bound.end())
                failed[member.name.id] =
                    fmt::format("{} goes with it: {}", member.name.name, by_themselves.at(*with));
        }
    }
    return failed;
}

Assessment Muster::assess(Aim aim) const
{
    Assessment assessment{.failed = failed_at(aim)};
    uint64_t left_out = 0, failed_in_group = 0;
    for (const Mustered& member : members_) {
        if (member.left_out) {
            ++left_out;
            continue;
        }
        if (member.in_group) ++assessment.total;
        const Mark mark = mark_of(member, aim);
        if (mark == Mark::silent) ++assessment.silent;
        if (assessment.failed.contains(member.name.id)) {
            if (member.in_group) ++failed_in_group;
        } else if (member.in_group && mark == Mark::done) {
            ++assessment.done;
        } else if (member.in_group) {
            assessment.pending.push_back(sentence_of(member));
        }
    }
    // Where nobody is left of those that are asked, that is the change and not the host.
    const bool nobody_left = failed_in_group > 0 && assessment.total == failed_in_group;
    const uint64_t limit = aim == Aim::commit ? 0 : roster_.limit;
    const bool more_than_may =
        aim == Aim::commit ? !assessment.failed.empty() : left_out + assessment.failed.size() > limit;
    assessment.beyond_limit = !assessment.failed.empty() && (more_than_may || nobody_left);
    return assessment;
}

Result<void> Muster::check_turn(State state) const
{
    const bool forward = state != State::aborting;
    if (standing_.state == state && (!forward || standing_.is_at(roster_.step))) return {};
    return fail(ErrorKind::busy, fmt::format("another controller goes on with operation {}", standing_.id));
}

Result<void> Muster::leave_out(Aim aim)
{
    const Assessment assessment = assess(aim);
    if (assessment.failed.empty()) return {};
    if (assessment.beyond_limit) return fail(ErrorKind::failed, failures_in(assessment));
    TRY(ledger_.leave_out(standing_, assessment.failed, now_.wall));
    for (Mustered& member : members_) {
        const auto found = assessment.failed.find(member.name.id);
        if (found != assessment.failed.end()) member.left_out = found->second;
    }
    return {};
}

MemberNote Muster::note_of(const Mustered& member) const
{
    return rollouts_->note(roster_.rollout, member.name.id);
}

void Muster::forget_refusals()
{
    for (Mustered& member : members_) {
        member.refused.reset();
        change_note(member, [](MemberNote& note) { note.refused.reset(); });
    }
}

std::vector<Mustered*> Muster::those(const std::function<bool(const Mustered&)>& wanted)
{
    std::vector<Mustered*> found;
    for (Mustered& member : members_) {
        if (member.part && wanted(member)) found.push_back(&member);
    }
    return found;
}

void Muster::send_home_left_out()
{
    request(those([](const Mustered& member) {
                const std::optional<State>& state = member.part->state;
                const bool goes = state && (operation::is_ended(*state) || state == State::aborting ||
                                            state == State::held);
                return member.left_out && !goes;
            }),
            "abort");
}

Milliseconds Muster::next_look_soon() const
{
    const bool are_few = members_.size() <= most_asked_often;
    return are_few ? Milliseconds(250) : Milliseconds(2'000);
}

Milliseconds Muster::deadline() const
{
    const std::optional<operation::Timer>& timer = standing_.timer;
    Milliseconds left = timer ? left_of(*timer, now_) : roster_.timer;
    // One that was stopped may be started again at any time.
    left = std::max(left, timer && timer->stopped ? roster_.timer : Milliseconds{0});
    return left + (standing_.state == State::committing ? commit_margin : margin);
}

void Muster::keep_deadlines()
{
    const Milliseconds wanted = deadline();
    // The operation's timer stands for a point in time: then theirs hardly ever needs a change. Without it
    // they are kept going, each time they have used up half.
    const bool runs = standing_.timer && !standing_.timer->stopped;
    const Milliseconds least = runs ? wanted - margin / 2 : wanted / 2;
    request(those([&](const Mustered& member) {
                return !member.left_out && member.part->left && *member.part->left < least;
            }),
            "keep", wanted);
}

void Muster::adopt(const std::vector<Mustered*>& members, const Json& plans)
{
    std::vector<MemberQuestion> questions;
    for (const Mustered* member : members)
        questions.push_back({member->name.id,
                             "PartAdopt",
                             {{"key", key_of(*member)},
                              {"site", roster_.site},
                              {"operation", standing_.id},
                              {"plan", plans.value(member->name.id, Json())},
                              {"why", why()}}});
    ask(members, questions, act_limit, false);
}

void Muster::request(const std::vector<Mustered*>& members, std::string_view verb,
                     std::optional<Milliseconds> keep)
{
    std::vector<MemberQuestion> questions;
    for (const Mustered* member : members) {
        Json parameters = {{"key", key_of(*member)}, {"verb", verb}, {"why", why()}};
        if (keep) parameters["keep_ms"] = keep->count();
        questions.push_back({member->name.id, "PartRequest", std::move(parameters)});
    }
    ask(members, questions, act_limit, false);
}

}  // namespace belay::site
