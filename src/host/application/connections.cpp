#include "host/application/connections.h"

#include "host/application/netlink.h"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <functional>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <vector>

namespace belay::host {
namespace {

constexpr uint32_t bit_of(int state)
{
    return 1U << static_cast<unsigned>(state);
}

constexpr uint32_t asked_states = bit_of(TCP_ESTABLISHED) | bit_of(TCP_SYN_RECV) | bit_of(TCP_CLOSE_WAIT) |
                                  bit_of(TCP_FIN_WAIT1) | bit_of(TCP_CLOSING) | bit_of(TCP_LAST_ACK);

/// The kernel's own filter: their local address is this one.
using Filter = std::vector<unsigned char>;

void count(const inet_diag_msg& one, Connections& all)
{
    const bool is_accepted = one.idiag_inode != 0;
    const bool is_begun = one.idiag_state == TCP_SYN_RECV || one.idiag_state == TCP_ESTABLISHED ||
                          one.idiag_state == TCP_CLOSE_WAIT;
    const bool is_untaken = is_begun && !is_accepted;
    ++all.open;
    if (is_untaken) ++all.untaken;
    if (!is_untaken && one.idiag_wqueue != 0) ++all.unsettled;
}

using Each = std::function<void(const inet_diag_msg&)>;

Result<void> look_at_family(int family, const Filter& filter, const Each& each)
{
    std::array<char, 512> room{};
    nlmsghdr* const question = mnl_nlmsg_put_header(room.data());
    question->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* const about =
        static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(question, sizeof(inet_diag_req_v2)));
    about->sdiag_family = static_cast<uint8_t>(family);
    about->sdiag_protocol = IPPROTO_TCP;
    about->idiag_states = asked_states;
    mnl_attr_put(question, INET_DIAG_REQ_BYTECODE, filter.size(), filter.data());
    return ask_kernel(NETLINK_SOCK_DIAG, *question, [&](const nlmsghdr& answer) {
        if (mnl_nlmsg_get_payload_len(&answer) >= sizeof(inet_diag_msg))
            each(*static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(&answer)));
    });
}

Result<void> look_at_all(const std::string& address, const Each& each)
{
    const bool is_6 = address.contains(':');
    std::array<unsigned char, 16> bytes{};
    if (inet_pton(is_6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no IP address", address));
    const size_t length = is_6 ? 16 : 4;
    constexpr size_t head = sizeof(inet_diag_bc_op) + sizeof(inet_diag_hostcond);
    const size_t size = head + length;
    const inet_diag_bc_op operation{.code = INET_DIAG_BC_S_COND,
                                    .yes = static_cast<uint8_t>(size),
                                    .no = static_cast<uint16_t>(size + sizeof(inet_diag_bc_op))};
    inet_diag_hostcond condition{};
    condition.family = static_cast<uint8_t>(is_6 ? AF_INET6 : AF_INET);
    condition.prefix_len = static_cast<uint8_t>(length * 8);
    condition.port = -1;
    Filter filter(size);
    std::memcpy(filter.data(), &operation, sizeof operation);
    std::memcpy(filter.data() + sizeof operation, &condition, sizeof condition);
    std::memcpy(filter.data() + head, bytes.data(), length);
    // A program that listens at all addresses of both families has those of IPv4 by a socket of IPv6.
    if (!is_6) TRY(look_at_family(AF_INET, filter, each));
    return look_at_family(AF_INET6, filter, each);
}

}  // namespace

Result<Connections> connections_at(const std::string& address)
{
    Connections all;
    TRY(look_at_all(address, [&](const inet_diag_msg& one) { count(one, all); }));
    return all;
}

void end_connections_at(const std::string& address)
{
    std::vector<inet_diag_msg> left;
    if (!look_at_all(address, [&](const inet_diag_msg& one) { left.push_back(one); })) return;
    for (const inet_diag_msg& one : left) {
        std::array<char, 512> room{};
        nlmsghdr* const order = mnl_nlmsg_put_header(room.data());
        order->nlmsg_type = SOCK_DESTROY;
        order->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        auto* const about =
            static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(order, sizeof(inet_diag_req_v2)));
        about->sdiag_family = one.idiag_family;
        about->sdiag_protocol = IPPROTO_TCP;
        about->idiag_states = asked_states;
        about->id = one.id;
        static_cast<void>(ask_kernel(NETLINK_SOCK_DIAG, *order, [](const nlmsghdr&) {}).has_value());
    }
}

}  // namespace belay::host
