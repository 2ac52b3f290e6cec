#include "host/application/sockets.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace belay::host {
namespace {

constexpr size_t most_notice_bytes = 8 << 10;

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

template <typename T>
Address address_of(const T& specific)
{
    Address address;
    std::memcpy(&address.storage, &specific, sizeof specific);
    address.size = sizeof specific;
    return address;
}

Result<Address> to_address(const ListenAt& where)
{
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(where.port);
    if (where.address.empty()) return address_of(six);
    if (inet_pton(AF_INET6, where.address.c_str(), &six.sin6_addr) == 1) return address_of(six);
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(where.port);
    if (inet_pton(AF_INET, where.address.c_str(), &four.sin_addr) == 1) return address_of(four);
    return fail(ErrorKind::usage, fmt::format("{} is no IP address to listen at", where.address));
}

std::string text_of_place(const ListenAt& where)
{
    return fmt::format("port {}{}{}", where.port, where.datagrams ? "/udp" : "",
                       where.address.empty() ? "" : " of " + where.address);
}

}  // namespace

Result<Descriptor> listen_on(const ListenAt& where)
{
    const Address address = TRY(to_address(where));
    const int kind = where.datagrams ? SOCK_DGRAM : SOCK_STREAM;
    Descriptor socket(::socket(address.storage.ss_family, kind | SOCK_CLOEXEC, 0));
    if (!socket) return std::unexpected(system_error("make a socket", errno));
    const int yes = 1;
    const int no = 0;
    if (!where.datagrams) setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (where.address.empty()) setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    if (bind(socket.number(), address.get(), address.size) != 0) {
        const int problem = errno;
        Error error = system_error(fmt::format("listen at {}", text_of_place(where)), problem);
        if (problem == EADDRINUSE) {
            error.kind = ErrorKind::busy;
            error.next = fmt::format("ss -lntup sport = :{}", where.port);
        }
        return std::unexpected(error);
    }
    if (!where.datagrams && listen(socket.number(), SOMAXCONN) != 0)
        return std::unexpected(system_error(fmt::format("listen at {}", text_of_place(where)), errno));
    return socket;
}

Result<void> set_nonblocking(int socket, bool nonblocking)
{
    const int flags = fcntl(socket, F_GETFL);
    const int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (flags < 0 || fcntl(socket, F_SETFL, wanted) != 0)
        return std::unexpected(system_error("set whether a socket waits", errno));
    return {};
}

bool is_bound_to(int socket, const ListenAt& where)
{
    const Result<Address> wanted = to_address(where);
    Address bound;
    bound.size = sizeof bound.storage;
    int kind = 0;
    socklen_t size = sizeof kind;
    if (!wanted || getsockname(socket, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0 ||
        getsockopt(socket, SOL_SOCKET, SO_TYPE, &kind, &size) != 0)
        return false;
    return kind == (where.datagrams ? SOCK_DGRAM : SOCK_STREAM) && bound.size == wanted->size &&
           std::memcmp(&bound.storage, &wanted->storage, bound.size) == 0;
}

Result<Descriptor> descriptor_of(int process, int number)
{
    Descriptor descriptor(static_cast<int>(syscall(SYS_pidfd_getfd, process, number, 0)));
    if (!descriptor) return std::unexpected(system_error("get a descriptor back from its process", errno));
    return descriptor;
}

Result<Descriptor> socket_of(int process, int number, const ListenAt& where)
{
    Descriptor socket = TRY(descriptor_of(process, number));
    if (!is_bound_to(socket.number(), where))
        return fail(ErrorKind::not_found, fmt::format("the process holds no {}", text_of_place(where)));
    return socket;
}

Result<NotifySocket> NotifySocket::open(const std::string& path, uid_t user)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(ErrorKind::usage, fmt::format("the path {} is too long for a socket", path));
    std::memcpy(address.sun_path, path.c_str(), path.size());
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    unlink(path.c_str());
    if (!socket || bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        chmod(path.c_str(), 0600) != 0)
        return std::unexpected(system_error(fmt::format("make the socket {}", path), errno));
    if (user != geteuid() && chown(path.c_str(), user, static_cast<gid_t>(-1)) != 0)
        return std::unexpected(system_error(fmt::format("give the socket {} to its user", path), errno));
    return NotifySocket(std::move(socket));
}

std::optional<NotifySocket> NotifySocket::of(Descriptor socket, const std::string& path)
{
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        address.sun_family != AF_UNIX || path != address.sun_path ||
        fcntl(socket.number(), F_SETFD, FD_CLOEXEC) != 0)
        return std::nullopt;
    return NotifySocket(std::move(socket));
}

std::optional<std::string> NotifySocket::look() const
{
    std::array<char, most_notice_bytes> room{};
    // A message that is longer is cut: what it says besides is not for us. Descriptors that come with it are
    // closed by the kernel, as there is no room for them.
    const ssize_t count = recv(socket_.number(), room.data(), room.size(), MSG_PEEK | MSG_CMSG_CLOEXEC);
    if (count < 0) return std::nullopt;
    return std::string(room.data(), static_cast<size_t>(count));
}

void NotifySocket::drop() const
{
    char nothing = 0;
    static_cast<void>(recv(socket_.number(), &nothing, sizeof nothing, MSG_CMSG_CLOEXEC));
}

Result<OutputPipe> open_output_pipe(const std::string& path)
{
    bool is_there = mkfifo(path.c_str(), 0600) == 0;
    struct stat status{};
    if (!is_there && errno == EEXIST && lstat(path.c_str(), &status) == 0) {
        is_there = S_ISFIFO(status.st_mode);
        if (!is_there && unlink(path.c_str()) != 0)
            return std::unexpected(system_error(fmt::format("remove {}", path), errno));
    }
    if (!is_there && mkfifo(path.c_str(), 0600) != 0)
        return std::unexpected(system_error(fmt::format("make the pipe {}", path), errno));
    OutputPipe pipe{.read_end = Descriptor(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)),
                    .write_end = Descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW))};
    if (!pipe.read_end || !pipe.write_end)
        return std::unexpected(system_error(fmt::format("open the pipe {}", path), errno));
    return pipe;
}

Result<void> give_to(const OutputPipe& pipe, uid_t user)
{
    struct stat status{};
    if (fstat(pipe.write_end.number(), &status) == 0 && status.st_uid == user) return {};
    if (fchown(pipe.write_end.number(), user, static_cast<gid_t>(-1)) == 0) return {};
    return std::unexpected(system_error("give a pipe to the user of its application", errno));
}

}  // namespace belay::host
