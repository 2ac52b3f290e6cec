#include "framework/redundancy/seat.h"

namespace belay::framework::redundancy {
namespace {

constexpr Microseconds never = std::chrono::hours(24 * 365 * 100);
constexpr Microseconds between_statuses = std::chrono::seconds(1);
constexpr Microseconds status_counts_for = std::chrono::seconds(3);
constexpr Microseconds before_it_counts_as_absent = std::chrono::seconds(2);
constexpr Microseconds before_it_is_taken_back = std::chrono::seconds(1);
constexpr Microseconds longest_wait_for_preferred = std::chrono::seconds(60);
constexpr Microseconds before_it_returns = std::chrono::seconds(10);
constexpr Microseconds longest_lease = std::chrono::hours(24);  // as the configuration has it
constexpr int questions_a_lease = 5;

}  // namespace

Seat::Seat(SeatHands& hands, const Terms& terms, const Vote& vote)
    : hands_(hands),
      terms_(terms),
      voter_(vote),
      highest_(vote.highest),
      // Else one that was let go to us while our program was renewed would be waited for.
      has_met_holder_(vote.highest != 0)
{
    for (const ApplicationId id : terms_.own) candidates_.push_back({.id = id});
}

Seat::Candidate* Seat::find(ApplicationId application)
{
    const auto found = std::ranges::find(candidates_, application, &Candidate::id);
    return found == candidates_.end() ? nullptr : &*found;
}

const Seat::Candidate* Seat::find(ApplicationId application) const
{
    const auto found = std::ranges::find(candidates_, application, &Candidate::id);
    return found == candidates_.end() ? nullptr : &*found;
}

bool Seat::serves(const Candidate& candidate) const
{
    return candidate.state == State::holding || candidate.state == State::handing;
}

bool Seat::is_held(ApplicationId application) const
{
    const Candidate* const candidate = find(application);
    return candidate != nullptr && serves(*candidate);
}

bool Seat::is_handed_over(ApplicationId application) const
{
    const Candidate* const candidate = find(application);
    return candidate != nullptr && candidate->state == State::handing;
}

const Other& Seat::other_of(ApplicationId application) const
{
    static const Other unknown;
    const Candidate* const candidate = find(application);
    return candidate == nullptr ? unknown : candidate->other;
}

uint64_t Seat::token_of(ApplicationId application) const
{
    const Candidate* const candidate = find(application);
    return candidate == nullptr ? 0 : candidate->token;
}

void Seat::set_terms(const Terms& terms, Microseconds now)
{
    const bool others_vote = terms.epoch != terms_.epoch || terms.members != terms_.members;
    for (Candidate& candidate : candidates_) {
        const bool goes = std::ranges::find(terms.own, candidate.id) == terms.own.end();
        if ((goes || terms.members.empty()) && serves(candidate)) lose(candidate, now);
        if (!others_vote) continue;
        if (candidate.state == State::asking) candidate.state = State::idle;
        // Who gave it goes on to keep it, but the votes that renew it are those of the new ones.
        candidate.given.clear();
        candidate.refused.clear();
        candidate.next_ask = now;
    }
    terms_ = terms;
    std::erase_if(candidates_, [&](const Candidate& candidate) {
        return std::ranges::find(terms_.own, candidate.id) == terms_.own.end();
    });
    for (const ApplicationId id : terms_.own) {
        if (find(id) == nullptr) candidates_.push_back({.id = id});
    }
    for (Candidate& candidate : candidates_) think(candidate, now);
}

void Seat::resume(ApplicationId application, uint64_t token, Microseconds until, Microseconds now)
{
    Candidate* const candidate = find(application);
    if (candidate == nullptr || now >= until) return;
    candidate->state = State::holding;
    candidate->token = token;
    candidate->until = until;
    candidate->has_held = true;
    candidate->next_ask = now;
    candidate->given.clear();
    for (const HostId member : terms_.members) {
        if (candidate->given.size() < majority()) candidate->given[member] = until - hold();
    }
    highest_ = std::max(highest_, token);
    has_met_holder_ = true;
    hands_.gained(application, token, until);
}

Message Seat::message(Message::Kind kind, const Candidate* about) const
{
    Message message{.kind = kind, .pair = terms_.pair, .epoch = terms_.epoch};
    if (about != nullptr && about->is_known) {
        message.about = about->id;
        message.fitness = about->fitness;
    }
    return message;
}

// --- when it asks ---

/// At the very beginning the one that is to serve while all is well goes first, where there is hope for it.
Microseconds Seat::waits_for_preferred(const Candidate& candidate) const
{
    if (candidate.id == terms_.preferred || has_met_holder_ || candidate.is_told_to) return {};
    const Other& other = candidate.other;
    const Microseconds longest = candidate.ready_since + longest_wait_for_preferred;
    // Where its host is being started, it is not to be started yet.
    const bool is_absent = !other.heard || other.fitness == Fitness::absent;
    if (is_absent) return candidate.ready_since + before_it_counts_as_absent + terms_.lease;
    return std::min(longest, *other.heard + status_counts_for);
}

Microseconds Seat::asks_from(const Candidate& candidate, Microseconds now) const
{
    if (terms_.members.empty() || candidate.fitness != Fitness::ready) return never;
    const bool is_first = candidate.id == terms_.preferred && !has_met_holder_;
    if (!terms_.is_automatic && !candidate.has_held && !candidate.is_told_to && !is_first) return never;
    Microseconds from = std::max(candidate.not_before, waits_for_preferred(candidate));
    const ApplicationId holder = voter_.given_to(now);
    if (holder != 0 && holder != candidate.id) from = std::max(from, voter_.vote().until);
    return from;
}

void Seat::think(Candidate& candidate, Microseconds now)
{
    if (candidate.state != State::idle || asks_from(candidate, now) > now) return;
    candidate.state = State::asking;
    candidate.token = highest_ = std::max(highest_ + 1, hands_.wall());
    candidate.until = now + terms_.lease / 2;
    candidate.given.clear();
    candidate.refused.clear();
    ask(candidate, now);
}

void Seat::ask(Candidate& candidate, Microseconds now)
{
    candidate.next_ask = now + terms_.lease / questions_a_lease;
    Message question = message(Message::Kind::ask, &candidate);
    question.candidate = candidate.id;
    question.token = candidate.token;
    question.sent = now;
    question.given = serves(candidate);
    question.lease = terms_.lease;
    // The others first: they need the way there and back.
    for (const HostId member : terms_.members) {
        if (member != terms_.self) hands_.send(member, question);
    }
    for (const HostId member : terms_.members) {
        if (member == terms_.self) count(candidate, member, vote_on(question, now), now);
    }
}

void Seat::count(Candidate& candidate, HostId from, const Message& vote, Microseconds now)
{
    if (candidate.state == State::idle || vote.token != candidate.token) return;
    if (vote.given) {
        Microseconds& given = candidate.given[from];
        given = std::max(given, vote.sent);
        candidate.refused.erase(from);
        return count_given(candidate, now);
    }
    highest_ = std::max(highest_, vote.highest);
    if (vote.holder != 0) has_met_holder_ = true;
    if (candidate.state != State::asking) return;
    if (vote.highest >= candidate.token && vote.holder == 0 && vote.remaining.count() == 0)
        return give_up(candidate, now, now, 0);
    const Microseconds again = now + std::max(vote.remaining, Microseconds{1000});
    candidate.refused[from] = again;
    candidate.next_ask = std::min(candidate.next_ask, again);
    if (candidate.refused.size() <= terms_.members.size() - majority()) return;
    // Somebody else has it, or both have asked at once: then the preferred one is the first to ask again.
    Microseconds first = never;
    for (const auto& [voter, when] : candidate.refused) first = std::min(first, when);
    const int place = candidate.id == terms_.preferred ? 0 : 1;
    const int turn = static_cast<int>(candidate.token % 3) + place;
    const Microseconds next = std::max(first, now + terms_.lease / questions_a_lease);
    give_up(candidate, next + turn * terms_.lease / (4 * questions_a_lease), now, 0);
}

void Seat::count_given(Candidate& candidate, Microseconds now)
{
    std::vector<Microseconds> sent;
    for (const auto& [voter, when] : candidate.given) sent.push_back(when);
    if (sent.size() < majority()) return;
    std::ranges::sort(sent, std::greater());
    const Microseconds until = sent[majority() - 1] + hold();
    if (until <= now) return;
    if (candidate.state == State::asking) {
        candidate.state = State::holding;
        candidate.until = until;
        candidate.has_held = true;
        candidate.is_told_to = false;
        has_met_holder_ = true;
        return hands_.gained(candidate.id, candidate.token, until);
    }
    if (until <= candidate.until) return;
    candidate.until = until;
    hands_.extended(candidate.id, until);
}

/// The votes that it has are free again. `next`: who is to have it; 0: anybody.
void Seat::give_up(Candidate& candidate, Microseconds not_before, Microseconds now, ApplicationId next)
{
    Message release = message(Message::Kind::release, &candidate);
    release.candidate = candidate.id;
    release.token = candidate.token;
    release.given = serves(candidate);
    release.holder = next;
    candidate.state = State::idle;
    candidate.not_before = not_before;
    for (const HostId member : terms_.members) {
        if (member != terms_.self) hands_.send(member, release);
    }
    take_release(release, now);
}

void Seat::lose(Candidate& candidate, Microseconds now)
{
    candidate.state = State::idle;
    candidate.not_before = now + terms_.lease;
    hands_.lost(candidate.id);
}

// --- what comes ---

Message Seat::vote_on(const Message& question, Microseconds now)
{
    const Voter::Answer answer =
        voter_.ask(question.candidate, question.token, std::min(question.lease, longest_lease), now);
    if (answer.given) hands_.voted(voter_.vote());
    const auto partner = std::ranges::find_if(
        candidates_, [&](const Candidate& candidate) { return candidate.id != question.candidate; });
    Message vote = message(Message::Kind::vote, partner == candidates_.end() ? nullptr : &*partner);
    vote.candidate = question.candidate;
    vote.token = question.token;
    vote.sent = question.sent;
    vote.given = answer.given;
    vote.remaining = answer.remaining;
    vote.holder = answer.holder;
    vote.highest = voter_.vote().highest;
    return vote;
}

void Seat::answer(HostId from, const Message& question, Microseconds now)
{
    highest_ = std::max(highest_, question.token);
    const Message vote = vote_on(question, now);
    if (vote.given && question.given) {
        has_met_holder_ = true;
        // The one that was to have it has it: were that to fail now, nobody is to wait for it.
        for (Candidate& candidate : candidates_) {
            if (candidate.id != question.candidate)
                candidate.not_before = std::min(candidate.not_before, now);
        }
    }
    hands_.send(from, vote);
}

void Seat::take_release(const Message& release, Microseconds now)
{
    voter_.release(release.candidate, release.token);
    hands_.voted(voter_.vote());
    // Where both had asked and none had it, they ask again in their turns.
    if (!release.given) return;
    for (Candidate& candidate : candidates_) {
        if (candidate.id == release.candidate) continue;
        if (release.holder == candidate.id) candidate.is_told_to = true;
        if (candidate.state == State::asking) candidate.next_ask = now;
        candidate.not_before = std::min(candidate.not_before, now);
    }
}

/// What somebody says of the other application.
void Seat::learn(const Message& message, Microseconds now)
{
    if (message.about == 0) return;
    for (Candidate& candidate : candidates_) {
        if (candidate.id == message.about) continue;
        const bool was_ready = candidate.other.heard && candidate.other.fitness == Fitness::ready;
        if (!was_ready) candidate.other.ready_since = now;
        candidate.other.fitness = message.fitness;
        candidate.other.heard = now;
    }
}

void Seat::received(HostId from, const Message& message, Microseconds now)
{
    const bool is_member = std::ranges::find(terms_.members, from) != terms_.members.end();
    if (message.pair != terms_.pair || message.epoch != terms_.epoch || !is_member) return;
    // What is over stays over, also where a vote comes that was on its way.
    for (Candidate& candidate : candidates_) {
        if (serves(candidate) && now >= candidate.until) lose(candidate, now);
    }
    learn(message, now);
    if (message.kind == Message::Kind::ask) answer(from, message, now);
    if (message.kind == Message::Kind::release) take_release(message, now);
    if (message.kind == Message::Kind::vote) {
        Candidate* const candidate = find(message.candidate);
        if (candidate != nullptr) count(*candidate, from, message, now);
    }
    time(now);
}

void Seat::say_status(Microseconds now)
{
    next_status_ = now + between_statuses;
    for (const Candidate& candidate : candidates_) {
        if (!candidate.is_known) continue;
        const Message status = message(Message::Kind::status, &candidate);
        for (const HostId member : terms_.members) {
            if (member != terms_.self) hands_.send(member, status);
        }
        learn(status, now);
    }
}

// --- what time brings, and what it is told ---

void Seat::time(Microseconds now)
{
    if (terms_.members.empty()) return;
    if (!candidates_.empty() && now >= next_status_) say_status(now);
    for (Candidate& candidate : candidates_) {
        if (serves(candidate) && now >= candidate.until) lose(candidate, now);
        if (candidate.state == State::asking && now >= candidate.until) give_up(candidate, now, now, 0);
        if (candidate.state != State::idle && now >= candidate.next_ask) ask(candidate, now);
        think(candidate, now);
        const Other& other = candidate.other;
        if (candidate.state != State::holding || !terms_.is_automatic) continue;
        if (!other.heard || other.fitness != Fitness::ready) continue;
        const bool goes_back = terms_.returns && candidate.id != terms_.preferred &&
                               now >= other.ready_since + before_it_returns;
        // It is being started again, and meanwhile the other could serve.
        const bool is_missed = candidate.fitness == Fitness::coming && !terms_.starts_at_need;
        if (goes_back || is_missed) static_cast<void>(hand_over(candidate.id, now).has_value());
    }
}

Microseconds Seat::next_deadline(Microseconds now) const
{
    if (terms_.members.empty() || candidates_.empty()) return never;
    Microseconds next = next_status_;
    for (const Candidate& candidate : candidates_) {
        if (candidate.state == State::idle) {
            next = std::min(next, asks_from(candidate, now));
            continue;
        }
        next = std::min(next, candidate.next_ask);
        next = std::min(next, candidate.until);
    }
    return next;
}

void Seat::set_fitness(ApplicationId application, Fitness fitness, Microseconds now)
{
    Candidate* const candidate = find(application);
    if (candidate == nullptr || (candidate->is_known && candidate->fitness == fitness)) return;
    candidate->is_known = true;
    candidate->fitness = fitness;
    if (fitness == Fitness::ready) candidate->ready_since = now;
    if (fitness != Fitness::ready && candidate->state == State::asking) give_up(*candidate, now, now, 0);
    if (!terms_.members.empty()) say_status(now);
    time(now);
}

void Seat::ended(ApplicationId application, Microseconds now)
{
    Candidate* const candidate = find(application);
    if (candidate == nullptr || !serves(*candidate)) return;
    const Other& other = candidate->other;
    const bool other_can = other.heard && now - *other.heard < status_counts_for && terms_.is_automatic &&
                           other.fitness == Fitness::ready && !terms_.starts_at_need;
    if (!other_can && candidate->fitness != Fitness::absent && candidate->state == State::holding) return;
    stepped_down(application, now);
}

Result<void> Seat::hand_over(ApplicationId application, Microseconds now)
{
    Candidate* const candidate = find(application);
    if (candidate == nullptr || candidate->state != State::holding)
        return fail(ErrorKind::refused, "it does not serve here");
    const Other& other = candidate->other;
    if (!other.heard || now - *other.heard >= status_counts_for)
        return fail(ErrorKind::refused, "nothing is heard of the other application of the pair");
    if (other.fitness != Fitness::ready)
        return fail(ErrorKind::refused, "the other application of the pair is not ready to serve");
    candidate->state = State::handing;
    hands_.step_down(application);
    return {};
}

void Seat::stepped_down(ApplicationId application, Microseconds now)
{
    Candidate* const candidate = find(application);
    if (candidate == nullptr || !serves(*candidate)) return;
    // The other is to have it, but where this one stops because somebody wants it stopped, and no more.
    const bool is_handed = candidate->state == State::handing || terms_.is_automatic;
    const ApplicationId other = application == terms_.preferred ? terms_.other : terms_.preferred;
    candidate->has_held = !is_handed;
    give_up(*candidate, now + 2 * terms_.lease + before_it_is_taken_back, now, is_handed ? other : 0);
    time(now);
}

void Seat::keep(ApplicationId application)
{
    Candidate* const candidate = find(application);
    if (candidate != nullptr && candidate->state == State::handing) candidate->state = State::holding;
}

void Seat::take_over(ApplicationId application, Microseconds now)
{
    Candidate* const candidate = find(application);
    if (candidate == nullptr) return;
    candidate->is_told_to = true;
    candidate->not_before = now;
    think(*candidate, now);
}

}  // namespace belay::framework::redundancy
