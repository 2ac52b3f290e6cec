#pragma once
// The sockets that are held for an application, as its process finds them.

#include "framework/supervision/application.h"
#include "host/application/sockets.h"

namespace belay::supervisor {

/// The number of the first one that a process is given, as sd_listen_fds(3) has it.
inline constexpr size_t first_passed = 3;

inline host::ListenAt place_of(const framework::supervision::HeldSocket& socket)
{
    return {.address = socket.address, .port = socket.port, .datagrams = socket.datagrams};
}

}  // namespace belay::supervisor
