// Addresses that come and go, in a network of the test's own.

#include "host/application/virtual_address.h"

#include <array>
#include <cstdlib>
#include <doctest/doctest.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::host {
namespace {

bool is_there(const std::string& number)
{
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0) return false;
    bool found = false;
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr) continue;
        const bool is_6 = one->ifa_addr->sa_family == AF_INET6;
        if (!is_6 && one->ifa_addr->sa_family != AF_INET) continue;
        std::array<char, NI_MAXHOST> text{};
        getnameinfo(one->ifa_addr, is_6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in), text.data(),
                    text.size(), nullptr, 0, NI_NUMERICHOST);
        found = found || number == text.data();
    }
    freeifaddrs(all);
    return found;
}

/// What went wrong; empty: nothing. In a process that has a network for itself.
std::string try_address(const std::string& number, const std::string& with_length)
{
    auto address = VirtualAddress::of(with_length, "ether7");
    if (!address) return address.error().what;
    if (is_there(number)) return "it was there before";
    for (int time = 0; time < 2; ++time) {
        if (const auto taken = address->take(std::chrono::seconds(1)); !taken) return taken.error().what;
        if (const auto told = address->announce(); !told) return told.error().what;
        if (!is_there(number)) return "it is not there";
    }
    address->give_up();
    if (is_there(number)) return "it was given up, and is still there";
    address->give_up();
    if (const auto taken = address->take(std::chrono::seconds(1)); !taken) return taken.error().what;
    // Nobody renews it.
    for (int i = 0; i < 500 && is_there(number); ++i) usleep(10'000);
    return is_there(number) ? "nobody renewed it, and it is still there" : "";
}

int in_own_network()
{
    const char* const made =
        "ip link add ether7 type veth peer name ether8 && ip link set ether8 up && ip link set ether7 up";
    const bool has_network = std::system(made) == 0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
    if (!has_network) return 2;
    int problems = 0;
    for (const auto& [number, with_length] :
         {std::pair("192.0.2.7", "192.0.2.7/24"), std::pair("2001:db8::7", "2001:db8::7/64")}) {
        const std::string problem = try_address(number, with_length);
        if (problem.empty()) continue;
        ++problems;
        std::fprintf(stderr, "%s: %s\n", number, problem.c_str());
    }
    return problems;
}

}  // namespace

TEST_CASE("a virtual address is there while it is renewed, and no longer")
{
    if (geteuid() != 0) return;
    const pid_t child = fork();
    if (child == 0) _exit(unshare(CLONE_NEWNET) == 0 ? in_own_network() : 9);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(WIFEXITED(status));
}

TEST_CASE("what is no address is refused in a sentence")
{
    CHECK(VirtualAddress::of("192.0.2.7", "lo").error().what ==
          "\"192.0.2.7\" is no address with its length");
    for (const char* bad : {"", "/", "192.0.2.7/33", "192.0.2/24", "2001:db8::7/129", "192.0.2.7/x"})
        CHECK(VirtualAddress::of(bad, "lo").error().kind == ErrorKind::usage);
    CHECK(VirtualAddress::of("192.0.2.7/24", "none7").error().what == "this host has no interface none7");
}

}  // namespace belay::host
