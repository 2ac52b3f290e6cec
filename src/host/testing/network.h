#pragma once
// A network of the test's own: hosts at one bridge, each a network namespace that ends with the test. Host 1
// has 192.0.2.11 and 2001:db8::11 at its eth0, host 2 has 192.0.2.12 and so on.

#include "host/descriptor.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace belay::host::testing {

class Network {
  public:
    /// As root alone, and where the kernel lets it.
    static bool is_possible()
    {
        bool done = false;
        std::thread([&] { done = geteuid() == 0 && unshare(CLONE_NEWNET) == 0; }).join();
        return done;
    }

    explicit Network(size_t hosts) : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
    {
        for (size_t i = 0; i <= hosts; ++i) namespaces_.push_back(made());
        run(0, "ip link add hub type bridge mcast_snooping 0 forward_delay 0 && ip link set hub up");
        for (size_t i = 1; i <= hosts; ++i) {
            run(0, fmt::format("ip link add port{0} type veth peer name eth0 netns /proc/{1}/fd/{2} && "
                               "ip link set port{0} master hub up",
                               i, getpid(), namespaces_[i].number()));
            run(i, fmt::format("ip link set lo up && ip link set eth0 up && ip addr add 192.0.2.1{0}/24 dev "
                               "eth0 && ip addr add 2001:db8::1{0}/64 dev eth0 nodad",
                               i));
        }
    }

    /// This thread is on that host.
    void go_to(size_t host) const
    {
        if (setns(namespaces_[host].number(), CLONE_NEWNET) != 0) std::abort();
    }
    void go_home() const
    {
        if (setns(home_.number(), CLONE_NEWNET) != 0) std::abort();
    }
    /// In a thread that is on that host.
    void on(size_t host, const std::function<void()>& what) const
    {
        std::thread([&] {
            go_to(host);
            what();
        }).join();
    }
    int status_of(size_t host, const std::string& command) const
    {
        int status = -1;
        on(host,
           [&] { status = std::system(command.c_str()); });  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
        return status;
    }
    void run(size_t host, const std::string& command) const
    {
        INFO(command);
        REQUIRE(status_of(host, command) == 0);
    }

  private:
    static Descriptor made()
    {
        Descriptor descriptor;
        std::thread([&] {
            if (unshare(CLONE_NEWNET) == 0)
                descriptor = Descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        }).join();
        REQUIRE(descriptor);
        return descriptor;
    }

    Descriptor home_;
    std::vector<Descriptor> namespaces_;
};

}  // namespace belay::host::testing
