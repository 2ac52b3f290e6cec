#pragma once
// The applications of this host that are one of a pair: which of them serves, what it is told, and what is
// done when that is another. Who may serve the fence says; what becomes of processes their lives do.

#include "host/application/virtual_address.h"
#include "supervisor/giving.h"
#include "supervisor/taking.h"

#include <functional>
#include <map>
#include <set>

namespace belay::supervisor {

/// Threads: that of the loop, but for what is said otherwise.
class Pairs {
  public:
    using Want = framework::supervision::Want;
    struct Ground {
        site::Loop& loop;
        std::string run_folder, key_file;
        uint16_t port = 0;
        std::function<void(const std::string&)> said;
        std::function<Supervised*(ApplicationId)> find;  ///< null: not known here
        std::function<void(ApplicationId)> moved;        ///< its standing says something else
        std::function<void()> page_begun;
    };
    explicit Pairs(Ground ground) : ground_(std::move(ground)) {}
    ~Pairs();
    Pairs(const Pairs&) = delete;
    Pairs& operator=(const Pairs&) = delete;

    /// What the supervisor before this one was told.
    void load();
    /// As methods() of Supervisor tells it. Addresses are numbers. Errors: usage, those of the fence.
    Result<void> set(const Json& parameters);
    /// {"key", "port"}. Errors: those of the fence.
    Result<Json> address();
    /// Names become numbers, where they can be found. Threads: any.
    static Json resolved(Json parameters);

    /// What is wanted of it: one that stands by may not be started for it, one that serves hands over first.
    void order(Supervised& supervised, Want want);
    /// One that serves hands over before, where the other can serve and this one is drained for that.
    void restart(Supervised& supervised);
    /// What is wanted of it by those who order it.
    Want want_of(const Supervised& supervised) const;
    void adopted(Supervised& supervised);
    void moved(Supervised& supervised);
    void told(ApplicationId id, framework::supervision::Word word);
    /// Errors: refused.
    Result<void> hand_over(ApplicationId id);
    Result<void> take_over(ApplicationId id);
    /// It is the one that serves.
    bool serves(const Supervised& supervised) const;
    /// And knows it, as far as it tells: whoever needs the pair may come.
    bool serves_as_told(const Supervised& supervised) const;
    bool has_lost_lease(ApplicationId id) const;
    /// It is to run, and is started when it is to serve.
    bool stands_by(const Supervised& supervised) const;
    /// Null where it is of no pair.
    Json json_of(const Supervised& supervised) const;
    void forget(ApplicationId id);
    /// What is under way is left to the next program as it is.
    void keep_for_renewal();

  private:
    struct Known {
        framework::redundancy::Terms terms;
        std::string name;
    };
    struct StepDown {
        bool is_told = false;
        std::unique_ptr<Giving> giving = {};            ///< until it is told that it stands by
        std::optional<site::Loop::TimerId> limit = {};  ///< from then on
    };

    static const framework::supervision::Pairing* pairing_of(const Supervised& supervised);
    static bool may_drain(const Supervised& supervised);
    Result<void> open_fence();
    std::vector<uint16_t> ports() const;
    Result<void> take(const Json& parameters);
    void keep() const;
    void apply(Supervised& supervised);
    void gained(ApplicationId id);
    void await_answer(ApplicationId id);
    void look_whether_answered(ApplicationId id);
    void await_no_answer(ApplicationId id);
    void lost(ApplicationId id);
    void step_down(ApplicationId id);
    void give(Supervised& supervised);
    void drains(ApplicationId id);
    void follow(ApplicationId id);
    void call_off(ApplicationId id);
    void finish(ApplicationId id);
    void end_finishing(ApplicationId id);
    void leave(ApplicationId id, Giving& giving);
    void end_leaving(ApplicationId id);
    Giving* giving_of(ApplicationId id) const;
    void take(const Moving& moving);
    void take_in(Supervised& supervised, const Moving& moving);
    void end_taking(ApplicationId id);
    void begin_move(ApplicationId id, std::string_view role);
    void end_move(ApplicationId id) const;
    void find_old_moves();
    void remove_old_moves();
    void resume_giving(Supervised& supervised);
    bool other_is_ready(const Supervised& supervised) const;
    bool is_on_one_host(const Supervised& supervised) const;
    void look_again(ApplicationId id);
    void look_whether_stepped_down(Supervised& supervised);
    void end_step_down(ApplicationId id);
    void take_address(const Supervised& supervised);
    void renew_address(ApplicationId id);
    void give_address_up(ApplicationId id, bool to_other_here = false);
    Fitness fitness_of(const Supervised& supervised) const;
    void in_loop(ApplicationId id, void (Pairs::*what)(ApplicationId));

    const Ground ground_;
    Json told_ = Json::object();
    uint16_t last_port_ = 0;
    std::map<PairId, Known> pairs_;
    std::map<ApplicationId, Want> wants_;
    std::map<ApplicationId, host::ProcessName> processes_;  ///< that the fence knows
    std::map<ApplicationId, StepDown> stepping_down_;
    std::map<ApplicationId, site::Loop::TimerId> answers_;  ///< awaited of those that were told to serve
    std::set<ApplicationId> to_stop_, to_restart_;          ///< when it has handed over
    struct Address {
        std::optional<host::VirtualAddress> address = {};
        std::string problem = {};
        std::optional<site::Loop::TimerId> renewal = {};
    };
    std::map<ApplicationId, Address> addresses_;                  ///< of those that serve
    std::map<ApplicationId, std::unique_ptr<Giving>> finishing_;  ///< while the other serves already
    struct Left {
        host::Detour detour;
        site::Loop::TimerId limit;
    };
    std::map<ApplicationId, Left> left_;  ///< of those whose address has gone
    std::map<ApplicationId, std::unique_ptr<Taking>> taking_;
    std::map<ApplicationId, uint64_t> taken_;           ///< tokens of moves that are over
    std::map<ApplicationId, std::string> ways_;         ///< of the last move, for a person
    std::map<ApplicationId, Microseconds> stood_down_;  ///< when, by the clock of leases; orderly
    std::map<ApplicationId, std::string> old_moves_;    ///< of the supervisor before this one: what for
    const std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
    std::unique_ptr<Fence> fence_;  ///< goes first: it calls
};

}  // namespace belay::supervisor
