#pragma once
// How a daemon tells whoever started it that it serves, waits, or cannot: systemd by a datagram to
// $NOTIFY_SOCKET, a face by a line on --ready-fd, a person by standard error.

#include "base/result.h"
#include "host/descriptor.h"

#include <optional>
#include <string>
#include <string_view>

namespace belay::site {

/// Threads: one at a time. A listener that is gone is no error.
class Readiness {
  public:
    /// `ready_fd` is taken over; the standard error then leads to the same listener.
    explicit Readiness(std::optional<int> ready_fd);

    void ready();
    /// The daemon lives, and cannot serve yet; the face need not wait for it.
    void waiting(const Error& error);
    void failed(const Error& error);
    void stopping();

  private:
    void tell_systemd(std::string_view state) const;
    void tell_starter(const std::string& line);
    /// The listener waits for the end of what we say: it is let go of, here and on standard error.
    void let_go_of_starter();

    std::string notify_socket_;
    host::Descriptor starter_;
};

/// One line for a person: what happened, and what leads on.
void print_error(const Error& error);

}  // namespace belay::site
