#pragma once
// What one host does for one pair: it has a vote for the lease, and where an application of the pair is here,
// it asks for the lease on its behalf. Who has the lease serves; it counts from when its question was sent,
// and the votes from when the question was received, so a lease ends where it is held before anybody can give
// it to another. Nothing has to be agreed on but who may serve for a moment, so no log is needed, and nothing
// survives that moment (docs/decisions/0031).
//
// It has no clock, thread or socket of its own. Who drives it says what time it is, by one clock that never
// goes back and whose rate is right within a twentieth.

#include "framework/redundancy/voter.h"

#include <map>
#include <optional>
#include <vector>

namespace belay::framework::redundancy {

struct Terms {
    PairId pair = 0;
    uint64_t epoch = 0;  ///< of its members: votes of different epochs do not add up
    HostId self = 0;
    std::vector<HostId> members = {};  ///< the voters: one to three hosts; empty: not known yet
    Microseconds lease{0};
    bool is_automatic = true;     ///< the other takes over by itself
    bool returns = false;         ///< the preferred one serves again by itself
    bool starts_at_need = false;  ///< the one that stands by is not started, and is ready for all that
    ApplicationId preferred = 0, other = 0;
    std::vector<ApplicationId> own = {};  ///< those of them that are on this host

    bool operator==(const Terms&) const = default;
};

/// Nothing calls back into the seat before it returns.
class SeatHands {
  public:
    virtual ~SeatHands() = default;
    virtual void send(HostId to, const Message& message) = 0;
    /// It may serve until then.
    virtual void gained(ApplicationId application, uint64_t token, Microseconds until) = 0;
    virtual void extended(ApplicationId application, Microseconds until) = 0;
    /// It is to serve no more, in good order; stepped_down() when that is done.
    virtual void step_down(ApplicationId application) = 0;
    /// It must not do anything more from now on.
    virtual void lost(ApplicationId application) = 0;
    /// To be known to the next program at this seat.
    virtual void voted(const Vote& vote) = 0;
    /// Microseconds of the wall clock: tokens rise with it, also where a voter has forgotten those before.
    virtual uint64_t wall() = 0;
};

/// What is known of the other application of the pair.
struct Other {
    Fitness fitness = Fitness::absent;
    std::optional<Microseconds> heard = {};
    Microseconds ready_since{0};
};

/// Threads: one.
class Seat {
  public:
    /// `vote`: what the program before this one knew; where nothing is known of that, one that keeps silent.
    Seat(SeatHands& hands, const Terms& terms, const Vote& vote);

    const Terms& terms() const { return terms_; }
    /// The same pair. A lease that is held is renewed by the new members; without any it is lost. The third
    /// of three may be another where none has voted in between (Electorates).
    void set_terms(const Terms& terms, Microseconds now);
    /// In place of asking: it was held by the program before this one.
    void resume(ApplicationId application, uint64_t token, Microseconds until, Microseconds now);

    void received(HostId from, const Message& message, Microseconds now);
    void time(Microseconds now);
    /// time() is to be called then; far in the future where nothing is due.
    Microseconds next_deadline(Microseconds now) const;

    void set_fitness(ApplicationId application, Fitness fitness, Microseconds now);
    /// Its process has ended, whoever wanted that. Lets the other serve, where that can; else the lease is
    /// kept for the next process, unless it is absent.
    void ended(ApplicationId application, Microseconds now);
    /// Lets the other serve. Errors: conflict, it does not serve, or the other is not ready.
    Result<void> hand_over(ApplicationId application, Microseconds now);
    void stepped_down(ApplicationId application, Microseconds now);
    /// In place of stepped_down(): it goes on to serve.
    void keep(ApplicationId application);
    /// Asks although it is to be asked for by a person.
    void take_over(ApplicationId application, Microseconds now);

    bool is_held(ApplicationId application) const;
    bool is_handed_over(ApplicationId application) const;
    const Other& other_of(ApplicationId application) const;
    ApplicationId given_to(Microseconds now) const { return voter_.given_to(now); }
    uint64_t token_of(ApplicationId application) const;

  private:
    enum class State { idle, asking, holding, handing };
    struct Candidate {
        ApplicationId id = 0;
        State state = State::idle;
        Fitness fitness = Fitness::absent;
        bool is_known = false;  ///< its fitness: nothing is said of it before
        Microseconds ready_since{0};
        uint64_t token = 0;
        Microseconds until{0};       ///< of its lease; of one that asks: then it takes another token
        Microseconds next_ask{0};    ///< of one that asks or holds
        Microseconds not_before{0};  ///< of one that is idle
        std::map<HostId, Microseconds> given = {};    ///< for which question
        std::map<HostId, Microseconds> refused = {};  ///< when to ask again
        bool has_held = false, is_told_to = false;
        Other other = {};
    };

    Candidate* find(ApplicationId application);
    const Candidate* find(ApplicationId application) const;
    size_t majority() const { return terms_.members.size() / 2 + 1; }
    Microseconds hold() const { return terms_.lease * 9 / 10; }
    Message message(Message::Kind kind, const Candidate* about) const;
    bool serves(const Candidate& candidate) const;
    Microseconds asks_from(const Candidate& candidate, Microseconds now) const;
    Microseconds waits_for_preferred(const Candidate& candidate) const;
    void think(Candidate& candidate, Microseconds now);
    void ask(Candidate& candidate, Microseconds now);
    void count(Candidate& candidate, HostId from, const Message& vote, Microseconds now);
    void count_given(Candidate& candidate, Microseconds now);
    void give_up(Candidate& candidate, Microseconds not_before, Microseconds now, ApplicationId next);
    void lose(Candidate& candidate, Microseconds now);
    void answer(HostId from, const Message& question, Microseconds now);
    void take_release(const Message& release, Microseconds now);
    void learn(const Message& message, Microseconds now);
    void say_status(Microseconds now);
    Message vote_on(const Message& question, Microseconds now);

    SeatHands& hands_;
    Terms terms_;
    Voter voter_;
    std::vector<Candidate> candidates_;
    uint64_t highest_;
    bool has_met_holder_;
    Microseconds next_status_{0};
};

}  // namespace belay::framework::redundancy
