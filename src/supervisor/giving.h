#pragma once
// An application that serves hands over in good order, up to the moment in which it is told that it stands
// by: the other host has the pair's address beside this one, nothing new comes here any more, and what it
// has is finished. How packets find their way meanwhile: host/application/detour.h.

#include "host/application/connections.h"
#include "host/application/detour.h"
#include "supervisor/fence.h"
#include "supervisor/supervised.h"

#include <functional>
#include <optional>

namespace belay::supervisor {

/// Threads: that of the loop.
class Giving {
  public:
    struct Ground {
        site::Loop& loop;
        std::function<void(const std::string&)> said;
        std::function<void(const Moving&)> say;  ///< to the other host
        std::function<bool()> other_is_ready;
        std::function<void()> drains;      ///< nothing new comes here any more, and it was told so
        std::function<void()> finished;    ///< nothing is left that it has to finish, or its time is over
        std::function<void()> called_off;  ///< the other one is not ready any more
    };
    /// `is_here`: the other one is on this host as well.
    Giving(Ground ground, Supervised& supervised, uint64_t token, bool is_here);
    ~Giving();
    Giving(const Giving&) = delete;
    Giving& operator=(const Giving&) = delete;

    void answered(const Moving& moving);
    /// It goes on to serve.
    void call_off();
    /// Its end says nothing and takes no rules away: somebody else goes on with them.
    void abandon() { is_abandoned_ = true; }
    /// It has said something.
    void look_now();
    /// The address is with the other; what comes here for it is passed on while this is there. Nothing: there
    /// is no way to.
    std::optional<host::Detour> leave();
    bool is_finished() const { return stage_ == Stage::finished; }
    /// The other one serves already, and is needed for nothing more.
    void let_other_go() { needs_other_ = false; }
    /// Nothing new comes here: others are not to be told that the address is here.
    bool is_passed_on() const { return is_passed_on_; }
    /// For a person: how callers are kept, and why not better.
    const std::string& way() const { return way_; }

  private:
    enum class Stage { agreeing, emptying, draining, finished };

    void begin(Stage stage);
    void arm(Milliseconds after);
    void look();
    void agree();
    void pass_on();
    void hold_back(const std::string& why);
    void look_whether_empty();
    void look_whether_drained();
    void keep_up();
    Moving moving(Moving::Kind kind) const;

    const Ground ground_;
    Supervised& supervised_;
    const uint64_t token_;
    const bool is_here_;
    const framework::supervision::Pairing pairing_;  ///< as it was when this was begun
    const std::string address_;                      ///< without its length; empty: none
    Stage stage_ = Stage::agreeing;
    Milliseconds since_{0}, kept_up_{0}, renewed_{0};
    std::optional<Moving> answer_;
    std::optional<host::Detour> detour_;
    bool is_passed_on_ = false, needs_other_ = true, is_called_off_ = false, is_abandoned_ = false;
    std::string way_;
    std::optional<site::Loop::TimerId> timer_;
};

/// "192.0.2.7" of "192.0.2.7/24".
std::string without_length(const std::string& address);

}  // namespace belay::supervisor
