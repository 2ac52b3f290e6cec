#pragma once
// What is known of the link behind a network interface: the addresses that this host has there, and whether
// another one is a neighbour on it.

#include "base/result.h"

#include <string>
#include <vector>

namespace belay::host {

/// Numbers, without those that are given for a time (VirtualAddress). IPv6: those of the link last. Errors:
/// those of the system. Threads: any, as the others here.
Result<std::vector<std::string>> own_addresses(const std::string& interface, bool is_6);

/// It is of the same network as one of our own there.
bool is_on_link(const std::string& interface, const std::string& address);

/// What comes for that address of this host arrives. One of IPv6 is there a moment before that.
bool is_reachable_here(const std::string& address);

/// Asks who has that address on the link (ARP, neighbour discovery); whoever has answers within a moment.
void look_for_neighbour(const std::string& interface, const std::string& address);
/// Somebody has answered.
bool is_neighbour(const std::string& interface, const std::string& address);

}  // namespace belay::host
