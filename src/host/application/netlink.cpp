#include "host/application/netlink.h"

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

namespace belay::host {
namespace {

constexpr size_t answer_room = 32 << 10;

struct CloseSocket {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

int hand_on(const nlmsghdr* message, void* each)
{
    (*static_cast<const std::function<void(const nlmsghdr&)>*>(each))(*message);
    return MNL_CB_OK;
}

}  // namespace

Result<void> ask_kernel(int family, nlmsghdr& question, const std::function<void(const nlmsghdr&)>& each)
{
    const auto failed = [] { return std::unexpected(system_error("ask the kernel by netlink", errno)); };
    const std::unique_ptr<mnl_socket, CloseSocket> socket(mnl_socket_open2(family, SOCK_CLOEXEC));
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return failed();
    question.nlmsg_seq = 1;
    if (mnl_socket_sendto(socket.get(), &question, question.nlmsg_len) < 0) return failed();
    std::vector<char> room(answer_room);
    auto handed = each;
    while (true) {
        const ssize_t size = mnl_socket_recvfrom(socket.get(), room.data(), room.size());
        if (size < 0) return failed();
        const int more = mnl_cb_run(room.data(), static_cast<size_t>(size), 1,
                                    mnl_socket_get_portid(socket.get()), hand_on, &handed);
        if (more < 0) return failed();
        const bool is_dump = (question.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
        if (more == MNL_CB_STOP || !is_dump) return {};
    }
}

}  // namespace belay::host
