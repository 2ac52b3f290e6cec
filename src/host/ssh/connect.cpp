#include "host/ssh/connect.h"

#include <algorithm>
#include <cerrno>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>

namespace belay::host::ssh {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int idle_seconds = 10, seconds_between = 5, most_unanswered = 4;
constexpr unsigned unanswered_for = 30'000;  ///< milliseconds

struct FreeAddresses {
    void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

template <typename T>
void set_option(int connection, int level, int option, const T& value)
{
    // Where one is not known to the system the connection is as good as before.
    static_cast<void>(setsockopt(connection, level, option, &value, sizeof value));
}

void notice_silence(int connection)
{
    set_option(connection, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(connection, IPPROTO_TCP, TCP_KEEPIDLE, idle_seconds);
    set_option(connection, IPPROTO_TCP, TCP_KEEPINTVL, seconds_between);
    set_option(connection, IPPROTO_TCP, TCP_KEEPCNT, most_unanswered);
    set_option(connection, IPPROTO_TCP, TCP_USER_TIMEOUT, unanswered_for);
    set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1);
}

/// The error number of a connection that was begun; ETIMEDOUT at the deadline.
int wait_for(int connection, Clock::time_point deadline)
{
    while (true) {
        const auto left = std::max(std::chrono::ceil<Milliseconds>(deadline - Clock::now()), Milliseconds{0});
        pollfd event{.fd = connection, .events = POLLOUT, .revents = 0};
        const int ready = poll(&event, 1, static_cast<int>(left.count()));
        if (ready == 0 && left == Milliseconds{0}) return ETIMEDOUT;
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        if (ready < 0) return errno;
        int problem = 0;
        socklen_t size = sizeof problem;
        return getsockopt(connection, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
    }
}

}  // namespace

Result<Descriptor> connect_to_one_of(const addrinfo& first, Milliseconds limit)
{
    const Clock::time_point deadline = Clock::now() + limit;
    int others = 0, problem = 0;
    for (const addrinfo* one = first.ai_next; one != nullptr; one = one->ai_next) ++others;
    for (const addrinfo* one = &first; one != nullptr; one = one->ai_next, --others) {
        Descriptor connection(
            socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
        // A system without IPv6 has no socket for such an address.
        problem = connection ? 0 : errno;
        if (problem != 0) continue;
        notice_silence(connection.number());
        if (connect(connection.number(), one->ai_addr, one->ai_addrlen) != 0) problem = errno;
        const Clock::time_point now = Clock::now();
        if (problem == EINPROGRESS)
            problem = wait_for(connection.number(), now + (deadline - now) / (others + 1));
        if (problem == 0) return connection;
    }
    return fail(problem == ETIMEDOUT ? ErrorKind::timeout : ErrorKind::unavailable,
                std::system_category().message(problem));
}

Result<Descriptor> connect_to(const std::string& address, uint16_t port, Milliseconds limit)
{
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int unknown = getaddrinfo(address.c_str(), fmt::format("{}", port).c_str(), &wanted, &found);
    if (unknown != 0)
        return fail(ErrorKind::unavailable,
                    fmt::format("the address of {} cannot be found: {}", address, gai_strerror(unknown)));
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
    Result<Descriptor> connected = connect_to_one_of(*addresses, limit);
    if (!connected)
        connected.error().what =
            fmt::format("nobody can connect to {}, port {}: {}", address, port, connected.error().what);
    return connected;
}

}  // namespace belay::host::ssh
