#pragma once
// Hosts that are network namespaces, at one bridge in a namespace of its own. None of them has a name: they
// are gone when this process and those that it has started in them are.

#include "base/result.h"
#include "host/descriptor.h"

#include <functional>
#include <string>
#include <vector>

namespace belay::bench {

/// The address that follows who serves, as an interface has it.
inline constexpr const char* virtual_address = "10.77.0.100/24";
inline constexpr const char* host_interface = "eth0";

/// Threads: one. Hosts are counted from 1; 0 is where a client is.
class HostNetwork {
  public:
    /// For root alone. Errors: those of the system, failed.
    static Result<HostNetwork> make(int hosts);

    static std::string address_of(int host);

    /// Does it in the network of that host; what is started meanwhile stays there. Errors: those of the
    /// system and of `what`.
    Result<void> within(int host, const std::function<Result<void>()>& what) const;
    /// For setns(2).
    int namespace_of(int host) const { return hosts_[static_cast<size_t>(host)].number(); }

    void pull_cable(int host) const;
    /// The cable is in again, and what a machine without power forgets is forgotten: the virtual address, and
    /// where others are on the network. Errors: failed.
    Result<void> boot(int host) const;
    /// Whether it has the virtual address.
    bool has_address(int host) const;

  private:
    HostNetwork() = default;
    Result<void> connect_all();
    void set_cable(int host, bool is_in) const;

    host::Descriptor own_, bridge_;
    host::Descriptor bridge_socket_;  ///< of the namespace of the bridge, for ioctl(2)
    std::vector<host::Descriptor> hosts_;
};

}  // namespace belay::bench
