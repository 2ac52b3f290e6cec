#include "mconsole.h"

#include "base/invariant.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace belay::lab {

namespace {

constexpr size_t data_size = 512;

struct Request {
    uint32_t magic = 0xcafebabe;
    uint32_t version = 2;
    uint32_t size = 0;
    std::array<char, data_size> data = {};
};

struct Reply {
    uint32_t error = 0;
    uint32_t more = 0;
    uint32_t size = 0;
    std::array<char, data_size> data = {};
};

Result<sockaddr_un> address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(ErrorKind::usage, fmt::format("the path {} is too long for a socket", path));
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

Result<void> send_request(int fd, const std::string& path, const std::string& reply_path,
                          std::string_view text)
{
    // The kernel answers to a path: an abstract address would not be seen from its network namespace.
    sockaddr_un own = TRY(address_of(reply_path));
    ::unlink(reply_path.c_str());
    if (::bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0)
        return std::unexpected(system_error("bind " + reply_path, errno));
    sockaddr_un kernel = TRY(address_of(path));
    Request request;
    INVARIANT(text.size() < request.data.size());
    request.size = static_cast<uint32_t>(text.size());
    std::memcpy(request.data.data(), text.data(), text.size());
    if (::sendto(fd, &request, sizeof request, 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0)
        return fail(ErrorKind::unavailable, system_error("ask the guest's kernel", errno).what);
    return {};
}

Result<std::string> await_reply(int fd, std::string_view text, Milliseconds limit)
{
    std::string said;
    for (;;) {
        pollfd waiting{fd, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0)
            return fail(ErrorKind::timeout, fmt::format("the guest's kernel does not answer \"{}\"", text));
        Reply reply;
        if (::recv(fd, &reply, sizeof reply, 0) < 0)
            return std::unexpected(system_error("read the kernel's answer", errno));
        said.append(reply.data.data(), ::strnlen(reply.data.data(), data_size));
        if (reply.error != 0)
            return fail(ErrorKind::refused, fmt::format("the guest's kernel refuses \"{}\": {}", text, said));
        if (reply.more == 0) return said;
    }
}

}  // namespace

Result<std::string> ask_kernel(const std::string& path, std::string_view request, Milliseconds limit)
{
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(system_error("open a socket", errno));
    const std::string reply_path = path + ".reply";
    Result<std::string> reply;
    if (const Result<void> sent = send_request(fd, path, reply_path, request); !sent)
        reply = std::unexpected(sent.error());
    else
        reply = await_reply(fd, request, limit);
    ::close(fd);
    ::unlink(reply_path.c_str());
    return reply;
}

}  // namespace belay::lab
