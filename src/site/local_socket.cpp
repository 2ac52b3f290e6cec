#include "site/local_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace belay::site {
namespace {

Result<sockaddr_un> address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.front() != '/' || path.size() >= sizeof address.sun_path)
        return fail(ErrorKind::usage, fmt::format("the socket {} has no absolute path of at most {} bytes",
                                                  path, sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

std::optional<gid_t> group_named(const std::string& name)
{
    std::array<char, 16 << 10> room{};
    group entry{};
    group* found = nullptr;
    if (getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return found->gr_gid;
}

}  // namespace

Result<Peer> peer_of(int connection)
{
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return std::unexpected(system_error("ask who is on the other side", errno));
    return Peer{credentials.uid, credentials.gid, credentials.pid};
}

std::string user_name(uid_t uid)
{
    std::array<char, 16 << 10> room{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(uid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
        return fmt::format("uid {}", uid);
    return found->pw_name;
}

Result<host::Descriptor> listen_at(const std::string& path, const std::string& group)
{
    const sockaddr_un address = TRY(address_of(path));
    const auto failed = [&](std::string_view doing) {
        return std::unexpected(system_error(fmt::format("{} {}", doing, path), errno));
    };
    const std::string folder = path.substr(0, path.rfind('/'));
    if (!folder.empty() && mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
        return std::unexpected(system_error(fmt::format("make the folder {}", folder), errno));
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove the old socket");

    host::Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) return failed("make the socket");
    // The mode of the open socket becomes that of its name, so there is no instant in which everybody may.
    if (fchmod(listener.number(), 0600) != 0) return failed("set the mode of");
    if (bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return failed("make the socket");
    if (const auto gid = group_named(group); gid && lchown(path.c_str(), -1, *gid) != 0)
        return failed("set the group of");
    if (chmod(path.c_str(), 0660) != 0) return failed("set the mode of");
    if (listen(listener.number(), SOMAXCONN) != 0) return failed("listen at");
    return listener;
}

Result<host::Descriptor> connect_to(const std::string& path)
{
    const sockaddr_un address = TRY(address_of(path));
    host::Descriptor connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!connection) return std::unexpected(system_error("make a socket", errno));
    int answer = 0;
    do {
        answer = ::connect(connection.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    } while (answer != 0 && errno == EINTR);
    if (answer != 0) return std::unexpected(system_error(fmt::format("connect to {}", path), errno));
    return connection;
}

}  // namespace belay::site
