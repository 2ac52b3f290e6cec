// Addresses that come and go, in a network of the test's own.

#include "host/application/virtual_address.h"

#include "base/testing/must.h"
#include "host/application/link.h"
#include "host/application/sockets.h"
#include "host/testing/network.h"

#include <arpa/inet.h>
#include <array>
#include <atomic>
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
    if (!number.contains(':')) {
        // As one leaves it that was ended in the middle of giving it up.
        const std::string deaf = "ip route del local " + number + " dev ether7 table local";
        // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c)
        if (std::system(deaf.c_str()) != 0) return "it has no route";
        if (is_reachable_here(number)) return "it is heard by itself";
        if (const auto taken = address->take(std::chrono::seconds(1)); !taken) return taken.error().what;
        if (!is_reachable_here(number)) return "it was taken, and is not heard";
    }
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

constexpr uint16_t web_port = 8080;

/// Calls, says something, and waits for an answer that never comes; again as soon as it is told that.
class Callers {
  public:
    Callers(const testing::Network& network, std::string address) : address_(std::move(address))
    {
        for (int i = 0; i < 8; ++i)
            all_.emplace_back([this, &network](const std::stop_token& stop) {
                network.go_to(2);
                while (!stop.stop_requested()) call();
            });
    }
    unsigned calls() const { return calls_; }
    unsigned waited() const { return waited_; }
    void stop() { all_.clear(); }

  private:
    void call()
    {
        const bool is_6 = address_.contains(':');
        const Descriptor socket(::socket(is_6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval shortly{.tv_sec = 0, .tv_usec = 50'000}, long_enough{.tv_sec = 2, .tv_usec = 0};
        setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &shortly, sizeof shortly);
        setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &long_enough, sizeof long_enough);
        sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(web_port), .sin_addr = {}, .sin_zero = {}};
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(web_port);
        inet_pton(is_6 ? AF_INET6 : AF_INET, address_.c_str(),
                  is_6 ? static_cast<void*>(&v6.sin6_addr) : static_cast<void*>(&v4.sin_addr));
        const auto* const to =
            is_6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
        if (connect(socket.number(), to, is_6 ? sizeof v6 : sizeof v4) != 0) return;
        ++calls_;
        char byte = 'x';
        if (send(socket.number(), &byte, 1, MSG_NOSIGNAL) != 1) return;
        if (recv(socket.number(), &byte, 1, 0) < 0 && errno == EAGAIN) ++waited_;
    }

    std::string address_;
    std::atomic<unsigned> calls_ = 0, waited_ = 0;
    std::vector<std::jthread> all_;
};

void check_nobody_waits(const std::string& with_length)
{
    const testing::Network network(2);
    const std::string number = with_length.substr(0, with_length.find('/'));
    std::optional<Descriptor> listener;
    network.on(1, [&] {
        listener.emplace(must(listen_on({.address = "::", .port = web_port, .datagrams = false})));
    });
    CHECK(set_nonblocking(listener->number(), true).has_value());
    Callers callers(network, number);
    // On a busy machine few calls come in a round.
    constexpr unsigned rounds = 60, most_rounds = 3'000, calls = 60;
    network.on(1, [&] {
        VirtualAddress address = must(VirtualAddress::of(with_length, "eth0"));
        for (unsigned round = 0; round < rounds || (callers.calls() <= calls && round < most_rounds);
             ++round) {
            CHECK(address.take(std::chrono::seconds(10)).has_value());
            CHECK(address.announce().has_value());
            usleep(20'000);
            address.give_up_with_connections();
            usleep(2'000);
            while (Descriptor(accept4(listener->number(), nullptr, nullptr, SOCK_CLOEXEC))) continue;
        }
    });
    callers.stop();
    CHECK(callers.calls() > calls);
    CHECK(callers.waited() == 0);
}

TEST_CASE("who is called off when an address is given up, and calls again at once, is not left waiting")
{
    if (!testing::Network::is_possible()) return;
    check_nobody_waits("192.0.2.7/24");
    check_nobody_waits("2001:db8::7/64");
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
