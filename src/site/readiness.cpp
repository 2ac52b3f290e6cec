#include "site/readiness.h"

#include "base/json.h"
#include "site/starter.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace belay::site {

Readiness::Readiness(std::optional<int> ready_fd) : starter_(ready_fd.value_or(-1))
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread is started
    if (const char* path = getenv("NOTIFY_SOCKET")) notify_socket_ = path;
    if (starter_) fcntl(starter_.number(), F_SETFD, FD_CLOEXEC);
}

void Readiness::ready()
{
    tell_systemd("READY=1");
    tell_starter(std::string(ready_line));
    let_go_of_starter();
}

void Readiness::waiting(const Error& error)
{
    tell_systemd("STATUS=" + error.what);
    print_error(error);
    tell_starter(json_text(error) + "\n");
    let_go_of_starter();
}

void Readiness::failed(const Error& error)
{
    tell_systemd("STATUS=" + error.what);
    print_error(error);
    tell_starter(json_text(error) + "\n");
}

void Readiness::stopping()
{
    tell_systemd("STOPPING=1");
}

void Readiness::tell_systemd(std::string_view state) const
{
    sockaddr_un address{};
    if (notify_socket_.empty() || notify_socket_.size() >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, notify_socket_.data(), notify_socket_.size());
    // "@" stands for the zero byte with which a name outside of the file system begins.
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    const host::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
    static_cast<void>(sendto(socket.number(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size));
}

void Readiness::tell_starter(const std::string& line)
{
    // A starter that has gone away needs no answer.
    if (starter_) static_cast<void>(write(starter_.number(), line.data(), line.size()) >= 0);
}

void Readiness::let_go_of_starter()
{
    if (!starter_) return;
    starter_.close();
    const host::Descriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (nowhere) dup2(nowhere.number(), STDERR_FILENO);
}

void print_error(const Error& error)
{
    std::string line = fmt::format("{}: {}", program_invocation_short_name, error.what);
    if (!error.next.empty()) line += "; " + error.next;
    line += '\n';
    static_cast<void>(std::fputs(line.c_str(), stderr));
}

}  // namespace belay::site
