#include "failover_network.h"

#include "host/application/virtual_address.h"
#include "program.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr const char* ip_program = "/bin/ip";

host::Descriptor current_namespace()
{
    return host::Descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

Result<host::Descriptor> new_namespace(const host::Descriptor& own)
{
    if (unshare(CLONE_NEWNET) != 0) return std::unexpected(system_error("make a network namespace", errno));
    host::Descriptor made = current_namespace();
    if (setns(own.number(), CLONE_NEWNET) != 0 || !made)
        return std::unexpected(system_error("come back from a network namespace", errno));
    return made;
}

std::string cable_of(int host)
{
    return fmt::format("host{}", host);
}

/// ip(8), its words parted by blanks.
Result<void> run_ip(const std::string& text)
{
    std::vector<std::string> words = {ip_program};
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find(' ', at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return run_to_end(words);
}

}  // namespace

std::string HostNetwork::address_of(int host)
{
    return fmt::format("10.77.0.{}", host + 1);
}

Result<HostNetwork> HostNetwork::make(int hosts)
{
    HostNetwork network;
    network.own_ = current_namespace();
    network.bridge_ = TRY(new_namespace(network.own_));
    for (int host = 0; host <= hosts; ++host) {
        host::Descriptor made = TRY(new_namespace(network.own_));
        network.hosts_.push_back(std::move(made));
    }
    TRY(network.connect_all());
    return network;
}

Result<void> HostNetwork::connect_all()
{
    if (setns(bridge_.number(), CLONE_NEWNET) != 0)
        return std::unexpected(system_error("go to a network namespace", errno));
    bridge_socket_ = host::Descriptor(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    Result<void> done = run_ip("link add middle type bridge");
    if (done) done = run_ip("link set middle up");
    for (int host = 0; done && host < static_cast<int>(hosts_.size()); ++host) {
        done = run_ip(fmt::format("link add {} type veth peer name {} netns /proc/{}/fd/{}", cable_of(host),
                                  host_interface, getpid(), namespace_of(host)));
        if (done) done = run_ip(fmt::format("link set {} master middle up", cable_of(host)));
    }
    if (setns(own_.number(), CLONE_NEWNET) != 0)
        return std::unexpected(system_error("come back from a network namespace", errno));
    for (int host = 0; done && host < static_cast<int>(hosts_.size()); ++host) {
        done = within(host, [&]() -> Result<void> {
            TRY(run_ip("link set lo up"));
            TRY(run_ip(fmt::format("addr add {}/24 dev {}", address_of(host), host_interface)));
            return run_ip(fmt::format("link set {} up", host_interface));
        });
    }
    return done;
}

Result<void> HostNetwork::within(int host, const std::function<Result<void>()>& what) const
{
    if (setns(namespace_of(host), CLONE_NEWNET) != 0)
        return std::unexpected(system_error("go to a network namespace", errno));
    Result<void> done = what();
    if (setns(own_.number(), CLONE_NEWNET) != 0)
        return std::unexpected(system_error("come back from a network namespace", errno));
    return done;
}

void HostNetwork::set_cable(int host, bool is_in) const
{
    ifreq cable{};
    const std::string name = cable_of(host);
    std::memcpy(&cable.ifr_name, name.c_str(), name.size());
    ioctl(bridge_socket_.number(), SIOCGIFFLAGS, &cable);
    const int flags = is_in ? cable.ifr_flags | IFF_UP : cable.ifr_flags & ~IFF_UP;
    cable.ifr_flags = static_cast<decltype(cable.ifr_flags)>(flags);
    ioctl(bridge_socket_.number(), SIOCSIFFLAGS, &cable);
}

bool HostNetwork::has_address(int host) const
{
    const std::string text = virtual_address;
    in_addr wanted{};
    inet_pton(AF_INET, text.substr(0, text.find('/')).c_str(), &wanted);
    bool has = false;
    const Result<void> done = within(host, [&]() -> Result<void> {
        ifaddrs* all = nullptr;
        if (getifaddrs(&all) != 0) return std::unexpected(system_error("list addresses", errno));
        for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
            if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
            const auto* const address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
            has = has || address->sin_addr.s_addr == wanted.s_addr;
        }
        freeifaddrs(all);
        return {};
    });
    return done && has;
}

void HostNetwork::pull_cable(int host) const
{
    set_cable(host, false);
}

Result<void> HostNetwork::boot(int host) const
{
    TRY(within(host, []() -> Result<void> {
        const host::VirtualAddress address = TRY(host::VirtualAddress::of(virtual_address, host_interface));
        address.give_up();
        TRY(run_ip(fmt::format("link set {} down", host_interface)));
        return run_ip(fmt::format("link set {} up", host_interface));
    }));
    set_cable(host, true);
    return {};
}

}  // namespace belay::bench
