#pragma once
// The sockets that a supervisor has for an application: those that it listens at on its behalf, and the one
// that the application speaks to it by.

#include "base/result.h"
#include "host/descriptor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace belay::host {

struct ListenAt {
    std::string address;  ///< an IP address; empty: all, of both families
    uint16_t port = 0;    ///< 0: any that is free
    bool datagrams = false;

    bool operator==(const ListenAt&) const = default;
};

/// A socket that is bound, and listens unless it is for datagrams. Errors: usage (no IP address), busy (the
/// port is taken), permission, io.
Result<Descriptor> listen_on(const ListenAt& where);

/// Whether accept() and recv() on it wait (O_NONBLOCK), for all who have it. Errors: io.
Result<void> set_nonblocking(int socket, bool nonblocking);

/// The descriptor `number` of a process, where that is a socket bound to that place (pidfd_getfd(2)); the
/// process keeps it. Errors: not_found, permission.
Result<Descriptor> socket_of(int process, int number, const ListenAt& where);

/// The descriptor `number` of a process, whatever it is. Errors: not_found, permission.
Result<Descriptor> descriptor_of(int process, int number);

/// Whether a socket is bound there.
bool is_bound_to(int socket, const ListenAt& where);

/// The socket of sd_notify(3).
class NotifySocket {
  public:
    /// Made anew at `path`, for that user to write to. Errors: usage (a path of more than 107 bytes), io.
    static Result<NotifySocket> open(const std::string& path, uid_t user);
    /// One that is open already, with what waits in it; nothing: that descriptor is not the one of this path,
    /// and is closed.
    static std::optional<NotifySocket> of(Descriptor socket, const std::string& path);

    int descriptor() const { return socket_.number(); }
    /// The next message, as it was sent; nothing: there is none now. It stays the next.
    std::optional<std::string> look() const;
    /// The next message goes.
    void drop() const;

  private:
    explicit NotifySocket(Descriptor socket) : socket_(std::move(socket)) {}
    Descriptor socket_;
};

/// A pipe with a name, for the output of an application: its content outlives both ends, and nobody who
/// writes to it ever meets a broken one, for who writes has it open for reading as well. Made where it is not
/// there, for root alone. Errors: io.
struct OutputPipe {
    Descriptor read_end;   ///< does not block
    Descriptor write_end;  ///< for the application
};
Result<OutputPipe> open_output_pipe(const std::string& path);
/// Its owner, so that a program of that user may open it anew by its path, as /dev/stdout. Errors: those of
/// the system.
Result<void> give_to(const OutputPipe& pipe, uid_t user);

}  // namespace belay::host
