#pragma once
// Packets for an address that moves from one host to another while connections to it are open on both. Each
// host keeps what is its own and passes the rest on, by rules of the packet filter at the interface:
//
//     the host that the address goes to      new connections, and what belongs to them, are its own; all
//                                            other TCP is passed on to the host that the address leaves
//     the host that the address leaves       new connections, and what belongs to them, are passed on; all
//                                            other TCP is its own
//
// So a connection stays where it was begun, whichever of the two hosts a packet comes to, and from one
// instant on the one that is left takes nothing new. Both tables are called "belay-NUMBER", and stop to count
// after `lifetime` where nobody renews them: the kernel takes the address out of the sets that the rules ask.
// By hand: nft list ruleset; nft delete table netdev belay-NUMBER.

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace belay::host {

/// Threads: any, one at a time. All of it is for root alone; errors: those of set_packet_rules(), usage.
class Detour {
  public:
    /// "192.0.2.7" at "eth0". `number`: of the application, which the tables are named by.
    static Result<Detour> of(int64_t number, const std::string& address, const std::string& interface);

    static constexpr std::chrono::seconds lifetime{5};

    /// For the host that the address goes to: other TCP is passed on to `older`, the other's own address on
    /// this link. New connections to these ports are taken; those to others wait, for their callers try again
    /// after a second. What was taken before stays its own, also where these rules were there already.
    Result<void> pass_old_on(const std::string& older, const std::vector<uint16_t>& held_ports);
    /// For the host that the address leaves: new connections are passed on to `newer`, and who asks by ARP
    /// is not told any more that the address is here. `own`: an address that this host keeps.
    Result<void> pass_new_on(const std::string& newer, const std::string& own);
    /// After pass_new_on(), where this host has the address no more: not everybody may have learned that yet.
    Result<void> pass_all_on();
    /// In place of pass_new_on() where nothing can be passed on: callers of new connections are not heard, so
    /// they try again after a second.
    Result<void> hold_new_back();
    Result<void> renew();
    /// Nothing happens where they are not there.
    void end();

    /// The tables of that number, whoever has made them.
    static void remove(int64_t number);

  private:
    Detour() = default;
    Result<void> set(const std::string& rules, bool with_arp);

    std::string table_, address_, interface_, onward_;
    bool is_6_ = false;
    bool has_arp_ = false, is_set_ = false;
};

}  // namespace belay::host
