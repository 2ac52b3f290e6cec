#pragma once
// An application is to serve soon in place of the other of its pair, whose host gives the pair's address up
// in good order: this host has the address already, takes new connections, which wait for the application,
// and passes on what belongs to those of the other (host/application/detour.h).

#include "host/application/detour.h"
#include "host/application/virtual_address.h"
#include "supervisor/fence.h"
#include "supervisor/supervised.h"

#include <functional>
#include <optional>

namespace belay::supervisor {

/// Threads: that of the loop.
class Taking {
  public:
    struct Ground {
        site::Loop& loop;
        std::function<void(const std::string&)> said;
        std::function<void(const Moving&)> say;  ///< to the other host
        std::function<bool()> serves;            ///< the application has the lease
        std::function<void()> begins;            ///< rules are set from now on
        std::function<void()> over;              ///< nobody has asked for it any more; it may be destroyed
    };
    Taking(Ground ground, Supervised& supervised, const Moving& asked);
    /// The address stays where the application serves.
    ~Taking();
    Taking(const Taking&) = delete;
    Taking& operator=(const Taking&) = delete;

    void asked(const Moving& moving);
    uint64_t token() const { return token_; }
    /// As of Giving.
    void abandon() { is_abandoned_ = true; }
    /// This host has the address.
    bool is_set() const { return is_set_; }
    /// The other host has said that it is over.
    void end_soon();

  private:
    Result<void> set(const Moving& moving);
    void answer(Moving::Kind kind, const std::string& reason = "");
    void arm();
    void time();

    const Ground ground_;
    Supervised& supervised_;
    const framework::supervision::Pairing pairing_;  ///< as it was when this was begun
    const uint64_t token_;
    const Moving first_;
    Milliseconds until_{0};
    bool is_set_ = false, is_abandoned_ = false;
    std::string refused_;
    std::optional<host::Detour> detour_;
    std::optional<host::VirtualAddress> address_;
    std::optional<site::Loop::TimerId> timer_;
};

}  // namespace belay::supervisor
