#pragma once
// For tests: ports of their own.

#include <doctest/doctest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::testing {

/// From now on this thread, and what it starts, has a network without anybody else, so that what listens at
/// well-known ports may run beside other tests. Without root it is that of the machine.
inline void have_own_network()
{
    if (geteuid() != 0) return;
    static const int parted = unshare(CLONE_NEWNET);
    REQUIRE(parted == 0);
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    CHECK(ioctl(socket, SIOCSIFFLAGS, &request) == 0);
    close(socket);
}

}  // namespace belay::testing
