#include "host/application/virtual_address.h"

#include "host/application/connections.h"
#include "host/application/link.h"
#include "host/application/netlink.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <memory>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace belay::host {
namespace {

struct CloseNetlink {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

}  // namespace

Result<VirtualAddress> VirtualAddress::of(const std::string& address, const std::string& interface)
{
    VirtualAddress made;
    made.text_ = address;
    const size_t slash = address.find('/');
    const std::string number = address.substr(0, slash);
    made.is_6_ = number.contains(':');
    const bool is_number =
        inet_pton(made.is_6_ ? AF_INET6 : AF_INET, number.c_str(), made.bytes_.data()) == 1;
    const char* const end = address.data() + address.size();
    const bool is_length = slash != std::string::npos &&
                           std::from_chars(address.data() + slash + 1, end, made.length_).ptr == end &&
                           made.length_ <= made.size() * 8;
    if (!is_number || !is_length)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no address with its length", address),
                    "192.0.2.7/24");
    made.interface_ = if_nametoindex(interface.c_str());
    if (made.interface_ == 0)
        return fail(ErrorKind::not_found, fmt::format("this host has no interface {}", interface), "ip link");
    return made;
}

Result<void> VirtualAddress::change(uint16_t type, uint16_t flags, uint32_t lifetime) const
{
    const auto failed = [&] { return std::unexpected(system_error("set the address " + text_, errno)); };
    const std::unique_ptr<mnl_socket, CloseNetlink> socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return failed();
    std::array<char, 1024> room{};
    nlmsghdr* const message = mnl_nlmsg_put_header(room.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    message->nlmsg_seq = 1;
    auto* const about = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
    about->ifa_family = is_6_ ? AF_INET6 : AF_INET;
    about->ifa_prefixlen = length_;
    about->ifa_index = interface_;
    mnl_attr_put(message, IFA_LOCAL, size(), bytes_.data());
    mnl_attr_put(message, IFA_ADDRESS, size(), bytes_.data());
    // Whether another has it was decided before: it is to be used at once.
    if (is_6_) mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
    if (lifetime != 0) {
        const ifa_cacheinfo lifetimes{
            .ifa_prefered = lifetime, .ifa_valid = lifetime, .cstamp = 0, .tstamp = 0};
        mnl_attr_put(message, IFA_CACHEINFO, sizeof lifetimes, &lifetimes);
    }
    if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return failed();
    const ssize_t size = mnl_socket_recvfrom(socket.get(), room.data(), room.size());
    if (size < 0 || mnl_cb_run(room.data(), static_cast<size_t>(size), 1, mnl_socket_get_portid(socket.get()),
                               nullptr, nullptr) < 0)
        return failed();
    return {};
}

Result<void> VirtualAddress::take(std::chrono::seconds lifetime) const
{
    const auto seconds = static_cast<uint32_t>(lifetime.count());
    TRY(change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, seconds));
    if (is_6_ || is_reachable_here(number())) return {};
    // Who gave it up last came no further than hear_no_more().
    give_up();
    return change(RTM_NEWADDR, NLM_F_CREATE, seconds);
}

/// Of IPv4: the kernel hears what comes to an address by a route to it in its table "local", and lets who has
/// the address say something by it without that.
void VirtualAddress::hear_no_more() const
{
    std::array<char, 256> room{};
    nlmsghdr* const order = mnl_nlmsg_put_header(room.data());
    order->nlmsg_type = RTM_DELROUTE;
    order->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    auto* const about = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(order, sizeof(rtmsg)));
    about->rtm_family = AF_INET;
    about->rtm_dst_len = 32;
    about->rtm_table = RT_TABLE_LOCAL;
    about->rtm_type = RTN_LOCAL;
    about->rtm_scope = RT_SCOPE_NOWHERE;
    mnl_attr_put(order, RTA_DST, size(), bytes_.data());
    mnl_attr_put_u32(order, RTA_OIF, interface_);
    static_cast<void>(ask_kernel(NETLINK_ROUTE, *order, [](const nlmsghdr&) {}).has_value());
}

void VirtualAddress::give_up() const
{
    static_cast<void>(change(RTM_DELADDR, 0, 0).has_value());
}

/// Whoever's connection ends calls again at once. One who then still came through to this host would have his
/// words acknowledged, and wait for an answer for ever. So nobody comes through any more before they end; and
/// they end while that can be said by the address: of IPv6 by one that is no longer there as well.
void VirtualAddress::give_up_with_connections() const
{
    if (is_6_)
        give_up();
    else
        hear_no_more();
    end_connections_at(number());
    if (!is_6_) give_up();
}

Result<void> VirtualAddress::announce()
{
    return is_6_ ? announce_by_neighbour_discovery() : announce_by_arp();
}

/// Source: RFC 5227, section 3, "ARP Announcement".
Result<void> VirtualAddress::announce_by_arp()
{
    const auto failed = [&] { return std::unexpected(system_error("announce the address " + text_, errno)); };
    // It receives nothing. It is kept: to close it can take longer than all else here.
    if (!announcer_)
        announcer_ = std::make_shared<const Descriptor>(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const Descriptor& socket = *announcer_;
    if (!socket) {
        const auto problem = failed();
        announcer_.reset();
        return problem;
    }
    ifreq interface{};
    if (if_indextoname(interface_, static_cast<char*>(interface.ifr_name)) == nullptr ||
        ioctl(socket.number(), SIOCGIFHWADDR, &interface) != 0)
        return failed();
    // A loopback has nobody to tell.
    if (interface.ifr_hwaddr.sa_family != ARPHRD_ETHER) return {};
    ether_arp said{};
    said.arp_hrd = htons(ARPHRD_ETHER);
    said.arp_pro = htons(ETH_P_IP);
    said.arp_hln = ETH_ALEN;
    said.arp_pln = 4;
    said.arp_op = htons(ARPOP_REQUEST);
    std::memcpy(&said.arp_sha, &interface.ifr_hwaddr.sa_data, ETH_ALEN);
    std::memcpy(&said.arp_spa, bytes_.data(), 4);
    std::memcpy(&said.arp_tpa, bytes_.data(), 4);
    sockaddr_ll all{};
    all.sll_family = AF_PACKET;
    all.sll_protocol = htons(ETH_P_ARP);
    all.sll_ifindex = static_cast<int>(interface_);
    all.sll_halen = ETH_ALEN;
    std::memset(&all.sll_addr, 0xff, ETH_ALEN);
    if (sendto(socket.number(), &said, sizeof said, 0, reinterpret_cast<const sockaddr*>(&all), sizeof all) <
        0)
        return failed();
    return {};
}

/// Source: RFC 4861, sections 4.4 and 7.2.6. The kernel fills in the checksum.
Result<void> VirtualAddress::announce_by_neighbour_discovery() const
{
    const auto failed = [&] { return std::unexpected(system_error("announce the address " + text_, errno)); };
    const Descriptor socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    if (!socket) return failed();
    ifreq interface{};
    if (if_indextoname(interface_, static_cast<char*>(interface.ifr_name)) == nullptr ||
        ioctl(socket.number(), SIOCGIFHWADDR, &interface) != 0)
        return failed();
    if (interface.ifr_hwaddr.sa_family != ARPHRD_ETHER) return {};
    struct Said {
        nd_neighbor_advert advert;
        nd_opt_hdr option;
        std::array<unsigned char, ETH_ALEN> address;
    } said{};
    said.advert.nd_na_type = ND_NEIGHBOR_ADVERT;
    said.advert.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
    std::memcpy(&said.advert.nd_na_target, bytes_.data(), bytes_.size());
    said.option.nd_opt_type = ND_OPT_TARGET_LINKADDR;
    said.option.nd_opt_len = 1;
    std::memcpy(said.address.data(), &interface.ifr_hwaddr.sa_data, ETH_ALEN);
    const int hops = 255;
    setsockopt(socket.number(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
    sockaddr_in6 all{};
    all.sin6_family = AF_INET6;
    all.sin6_scope_id = interface_;
    if (inet_pton(AF_INET6, "ff02::1", &all.sin6_addr) != 1) return {};
    if (sendto(socket.number(), &said, sizeof said, 0, reinterpret_cast<const sockaddr*>(&all), sizeof all) <
        0)
        return failed();
    return {};
}

}  // namespace belay::host
