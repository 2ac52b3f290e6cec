#include "host/application/link.h"

#include "host/application/netlink.h"
#include "host/descriptor.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <optional>

namespace belay::host {
namespace {

using Bytes16 = std::array<unsigned char, 16>;
constexpr uint16_t nobodys_port = 9;
/// Seconds. What a DHCP server gives lasts longer, what a pair has does not.
constexpr uint32_t longest_for_a_time = 10;

struct OwnAddress {
    Bytes16 bytes{};
    uint8_t length = 0;
    bool is_of_link = false;
};

using LinkAttributes = std::array<const nlattr*, IFA_MAX + 1>;

int note(const nlattr* attribute, void* attributes)
{
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type <= IFA_MAX) static_cast<LinkAttributes*>(attributes)->at(type) = attribute;
    return MNL_CB_OK;
}

std::optional<Bytes16> bytes_of(const std::string& address, bool is_6)
{
    Bytes16 bytes{};
    if (inet_pton(is_6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1) return std::nullopt;
    return bytes;
}

Result<std::vector<OwnAddress>> addresses_at(unsigned interface, bool is_6)
{
    std::array<char, 256> room{};
    nlmsghdr* const question = mnl_nlmsg_put_header(room.data());
    question->nlmsg_type = RTM_GETADDR;
    question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* const about = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(question, sizeof(ifaddrmsg)));
    about->ifa_family = is_6 ? AF_INET6 : AF_INET;
    std::vector<OwnAddress> all;
    const size_t size = is_6 ? 16 : 4;
    const auto take = [&](const nlmsghdr& answer) {
        const auto* const one = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&answer));
        if (answer.nlmsg_type != RTM_NEWADDR || one->ifa_index != interface) return;
        LinkAttributes attributes{};
        mnl_attr_parse(&answer, sizeof(ifaddrmsg), note, &attributes);
        const nlattr* const local =
            attributes[IFA_LOCAL] != nullptr ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
        if (local == nullptr || mnl_attr_get_payload_len(local) < size) return;
        if ((one->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0) return;
        if (const nlattr* const times = attributes[IFA_CACHEINFO]) {
            ifa_cacheinfo lifetimes{};
            std::memcpy(&lifetimes, mnl_attr_get_payload(times),
                        std::min<size_t>(sizeof lifetimes, mnl_attr_get_payload_len(times)));
            if (lifetimes.ifa_valid <= longest_for_a_time) return;
        }
        OwnAddress own{.length = one->ifa_prefixlen, .is_of_link = one->ifa_scope == RT_SCOPE_LINK};
        std::memcpy(own.bytes.data(), mnl_attr_get_payload(local), size);
        all.push_back(own);
    };
    TRY(ask_kernel(NETLINK_ROUTE, *question, take));
    std::ranges::stable_sort(all, {}, &OwnAddress::is_of_link);
    return all;
}

bool is_same_network(const Bytes16& one, const Bytes16& other, unsigned length)
{
    for (size_t i = 0; i < one.size() && length > 0; ++i) {
        const unsigned bits = std::min(length, 8U);
        const auto mask = static_cast<unsigned char>(0xff << (8 - bits));
        if (((one[i] ^ other[i]) & mask) != 0) return false;
        length -= bits;
    }
    return true;
}

}  // namespace

Result<std::vector<std::string>> own_addresses(const std::string& interface, bool is_6)
{
    std::vector<std::string> texts;
    for (const OwnAddress& own : TRY(addresses_at(if_nametoindex(interface.c_str()), is_6))) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (inet_ntop(is_6 ? AF_INET6 : AF_INET, own.bytes.data(), text.data(), text.size()) != nullptr)
            texts.emplace_back(text.data());
    }
    return texts;
}

bool is_on_link(const std::string& interface, const std::string& address)
{
    const bool is_6 = address.contains(':');
    const auto bytes = bytes_of(address, is_6);
    const auto own = addresses_at(if_nametoindex(interface.c_str()), is_6);
    return bytes && own && std::ranges::any_of(*own, [&](const OwnAddress& one) {
               return is_same_network(*bytes, one.bytes, one.length);
           });
}

bool is_reachable_here(const std::string& address)
{
    const bool is_6 = address.contains(':');
    const auto bytes = bytes_of(address, is_6);
    if (!bytes) return false;
    std::array<char, 256> room{};
    nlmsghdr* const question = mnl_nlmsg_put_header(room.data());
    question->nlmsg_type = RTM_GETROUTE;
    question->nlmsg_flags = NLM_F_REQUEST;
    auto* const about = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(question, sizeof(rtmsg)));
    about->rtm_family = is_6 ? AF_INET6 : AF_INET;
    about->rtm_dst_len = is_6 ? 128 : 32;
    mnl_attr_put(question, RTA_DST, is_6 ? 16 : 4, bytes->data());
    bool is_local = false;
    const auto look = [&](const nlmsghdr& answer) {
        const auto* const route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&answer));
        if (answer.nlmsg_type == RTM_NEWROUTE) is_local = route->rtm_type == RTN_LOCAL;
    };
    return ask_kernel(NETLINK_ROUTE, *question, look).has_value() && is_local;
}

void look_for_neighbour(const std::string& interface, const std::string& address)
{
    const bool is_6 = address.contains(':');
    const auto bytes = bytes_of(address, is_6);
    const Descriptor socket(::socket(is_6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!bytes || !socket) return;
    setsockopt(socket.number(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
               static_cast<socklen_t>(interface.size()));
    // Any packet will do: the kernel has to know where to.
    if (is_6) {
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(nobodys_port);
        to.sin6_scope_id = if_nametoindex(interface.c_str());
        std::memcpy(&to.sin6_addr, bytes->data(), 16);
        static_cast<void>(
            sendto(socket.number(), "", 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    } else {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(nobodys_port);
        std::memcpy(&to.sin_addr, bytes->data(), 4);
        static_cast<void>(
            sendto(socket.number(), "", 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    }
}

bool is_neighbour(const std::string& interface, const std::string& address)
{
    const bool is_6 = address.contains(':');
    const auto bytes = bytes_of(address, is_6);
    if (!bytes) return false;
    std::array<char, 256> room{};
    nlmsghdr* const question = mnl_nlmsg_put_header(room.data());
    question->nlmsg_type = RTM_GETNEIGH;
    question->nlmsg_flags = NLM_F_REQUEST;
    auto* const about = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(question, sizeof(ndmsg)));
    about->ndm_family = is_6 ? AF_INET6 : AF_INET;
    about->ndm_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    mnl_attr_put(question, NDA_DST, is_6 ? 16 : 4, bytes->data());
    bool is_known = false;
    const auto look = [&](const nlmsghdr& answer) {
        const auto* const one = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&answer));
        constexpr unsigned valid = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
        if (answer.nlmsg_type == RTM_NEWNEIGH) is_known = (one->ndm_state & valid) != 0;
    };
    return ask_kernel(NETLINK_ROUTE, *question, look).has_value() && is_known;
}

}  // namespace belay::host
