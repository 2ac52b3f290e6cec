// An address that two hosts have for a moment, and who calls it meanwhile.

#include "host/application/detour.h"

#include "host/application/connections.h"
#include "host/application/link.h"
#include "host/application/packet_rules.h"
#include "host/application/virtual_address.h"
#include "host/testing/network.h"

#include <arpa/inet.h>
#include <array>
#include <sys/socket.h>

namespace belay::host {
namespace {

using testing::Network;

constexpr uint16_t held_port = 80, other_port = 81;
constexpr size_t old_host = 1, new_host = 2, caller = 3;

struct Place {
    sockaddr_storage at{};
    socklen_t size = 0;
};

Place place_of(const std::string& address, uint16_t port)
{
    Place place;
    if (address.contains(':')) {
        auto& at = reinterpret_cast<sockaddr_in6&>(place.at);
        at.sin6_family = AF_INET6;
        at.sin6_port = htons(port);
        inet_pton(AF_INET6, address.c_str(), &at.sin6_addr);
        place.size = sizeof at;
        return place;
    }
    auto& at = reinterpret_cast<sockaddr_in&>(place.at);
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &at.sin_addr);
    place.size = sizeof at;
    return place;
}

Descriptor new_socket(const Place& place)
{
    Descriptor socket(::socket(place.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return socket;
}

Descriptor listening(bool is_6, uint16_t port)
{
    const Place place = place_of(is_6 ? "::" : "0.0.0.0", port);
    Descriptor socket = new_socket(place);
    REQUIRE(bind(socket.number(), reinterpret_cast<const sockaddr*>(&place.at), place.size) == 0);
    REQUIRE(listen(socket.number(), 16) == 0);
    return socket;
}

Descriptor called(const std::string& address, uint16_t port)
{
    const Place place = place_of(address, port);
    Descriptor socket = new_socket(place);
    REQUIRE(connect(socket.number(), reinterpret_cast<const sockaddr*>(&place.at), place.size) == 0);
    return socket;
}

Descriptor taken(const Descriptor& listener)
{
    Descriptor socket(accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(socket);
    return socket;
}

/// Enough to be more than one packet.
void check_both_ways(const Descriptor& one, const Descriptor& other)
{
    const std::string text(200'000, 'x');
    for (const auto& [from, to] : {std::pair(&one, &other), std::pair(&other, &one)}) {
        std::thread sends([&] { send(from->number(), text.data(), text.size(), MSG_NOSIGNAL); });
        std::string room(text.size(), '.');
        CHECK(recv(to->number(), room.data(), room.size(), MSG_WAITALL) == static_cast<ssize_t>(text.size()));
        sends.join();
        CHECK(room == text);
    }
}

void must_work(const Result<void>& done)
{
    if (!done) FAIL(done.error().what);
}

/// Two hosts that have the address, or may have it, and who calls it.
struct Scene {
    template <typename What>
    auto on(size_t host, const What& what) const
    {
        network.go_to(host);
        auto made = what();
        network.go_home();
        return made;
    }

    explicit Scene(bool is_six) : is_6(is_six)
    {
        old_one.emplace(on(old_host, [&] { return listening(is_6, held_port); }));
        new_one.emplace(on(new_host, [&] { return listening(is_6, held_port); }));
    }

    void take(size_t host) const
    {
        must_work(on(host, [&] {
            auto at = VirtualAddress::of(address + (is_6 ? "/64" : "/24"), "eth0");
            if (!at) return Result<void>(std::unexpected(at.error()));
            Result<void> done = at->take(std::chrono::seconds(10));
            while (done && !is_reachable_here(address)) usleep(1000);
            return done ? at->announce() : done;
        }));
    }
    Descriptor call() const
    {
        return on(caller, [&] { return called(address, held_port); });
    }
    /// The host's own address, to which the other passes on.
    std::string own(size_t host) const
    {
        const auto all = on(host, [&] { return own_addresses("eth0", is_6); });
        REQUIRE(all);
        REQUIRE_FALSE(all->empty());
        return all->front();
    }
    void meet(size_t host, const std::string& other) const
    {
        const bool met = on(host, [&] {
            look_for_neighbour("eth0", other);
            for (int i = 0; i < 4000 && !is_neighbour("eth0", other); ++i) usleep(1000);
            return is_on_link("eth0", other) && is_neighbour("eth0", other);
        });
        REQUIRE(met);
    }

    Network network{3};
    const bool is_6;
    const std::string address = is_6 ? "2001:db8::7" : "192.0.2.7";
    std::optional<Descriptor> old_one, new_one;
};

void check_detour(bool is_6)
{
    Scene scene(is_6);
    const std::string& address = scene.address;
    Detour at_old = *Detour::of(7, address, "eth0"), at_new = *Detour::of(8, address, "eth0");
    scene.take(old_host);
    const Descriptor before = scene.call();
    const Descriptor its_end = taken(*scene.old_one);
    const std::string old_own = scene.own(old_host), new_own = scene.own(new_host);
    CHECK(old_own == (is_6 ? "2001:db8::11" : "192.0.2.11"));
    scene.meet(old_host, new_own);
    scene.meet(new_host, old_own);

    // The new host has the address as well: what is the old one's reaches it.
    must_work(scene.on(new_host, [&] { return at_new.pass_old_on(old_own, {held_port}); }));
    scene.take(new_host);
    check_both_ways(before, its_end);
    // From now on nothing new comes to the old one, whoever is asked.
    must_work(scene.on(old_host, [&] { return at_old.pass_new_on(new_own, old_own); }));
    const Descriptor after = scene.call();
    const Descriptor at_new_end = taken(*scene.new_one);
    check_both_ways(after, at_new_end);
    check_both_ways(before, its_end);
    // Rules that are set anew forget nothing.
    must_work(scene.on(new_host, [&] { return at_new.pass_old_on(old_own, {held_port}); }));
    must_work(scene.on(old_host, [&] { return at_old.renew(); }));
    check_both_ways(after, at_new_end);

    const auto left = scene.on(old_host, [&] { return connections_at(address); });
    REQUIRE(left);
    CHECK(left->open == 1);
    CHECK(left->untaken == 0);
    const Descriptor waiting = scene.call();
    CHECK(scene.on(new_host, [&] { return connections_at(address); })->untaken == 1);
    CHECK(scene.on(caller, [&] { return connections_at(address); })->open == 0);

    scene.on(old_host, [&] {
        end_connections_at(address);
        return 0;
    });
    char byte = 0;
    CHECK(recv(before.number(), &byte, 1, 0) == -1);
    CHECK(errno == ECONNRESET);
    check_both_ways(after, at_new_end);

    for (const size_t host : {old_host, new_host})
        CHECK(scene.network.status_of(host, "nft list tables | grep -q belay-") == 0);
    scene.on(old_host, [&] {
        at_old.end();
        at_old.end();
        return 0;
    });
    scene.on(new_host, [&] {
        Detour::remove(8);
        Detour::remove(8);
        return 0;
    });
    for (const size_t host : {old_host, new_host})
        CHECK(scene.network.status_of(host, "nft list tables | grep -q belay-") != 0);
}

}  // namespace

TEST_CASE("detour: a connection stays where it was begun, and a new one comes to the new host")
{
    if (!Network::is_possible()) return;
    SUBCASE("IPv4")
    {
        check_detour(false);
    }
    SUBCASE("IPv6")
    {
        check_detour(true);
    }
}

TEST_CASE("detour: where nothing is passed on, a new connection waits until its caller tries again")
{
    if (!Network::is_possible()) return;
    const Scene scene(false);
    scene.take(old_host);
    Detour detour = *Detour::of(7, scene.address, "eth0");
    must_work(scene.on(old_host, [&] { return detour.hold_new_back(); }));
    std::thread ends([&] {
        scene.network.go_to(old_host);
        usleep(300'000);
        detour.end();
    });
    const auto begun = std::chrono::steady_clock::now();
    const Descriptor connection = scene.call();
    CHECK(std::chrono::steady_clock::now() - begun > std::chrono::milliseconds(300));
    ends.join();
}

TEST_CASE("detour: rules that nobody renews stop to count by themselves")
{
    if (!Network::is_possible()) return;
    const Scene scene(false);
    scene.take(old_host);
    Detour detour = *Detour::of(7, scene.address, "eth0");
    must_work(scene.on(old_host, [&] { return detour.hold_new_back(); }));
    // The caller tries again after 1 s, 3 s and 7 s.
    const Descriptor socket = scene.on(caller, [&] {
        Descriptor made = new_socket(place_of(scene.address, held_port));
        const timeval limit{.tv_sec = 20, .tv_usec = 0};
        setsockopt(made.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        return made;
    });
    const Place place = place_of(scene.address, held_port);
    CHECK(connect(socket.number(), reinterpret_cast<const sockaddr*>(&place.at), place.size) == 0);
}

TEST_CASE("detour: what cannot stand in a rule is refused in a sentence")
{
    CHECK(Detour::of(7, "192.0.2.7/24", "eth0").error().what == "\"192.0.2.7/24\" is no IP address");
    CHECK(Detour::of(7, "192.0.2.7", "eth0\"; flush ruleset").error().kind == ErrorKind::usage);
    CHECK(Detour::of(7, "192.0.2.7", "").error().kind == ErrorKind::usage);
    Detour detour = *Detour::of(7, "192.0.2.7", "eth0");
    CHECK(detour.pass_old_on("2001:db8::1", {}).error().what == "\"2001:db8::1\" is no address of that kind");
    CHECK(detour.pass_new_on("192.0.2.8", "x").error().kind == ErrorKind::usage);
    CHECK(connections_at("here").error().kind == ErrorKind::usage);
}

TEST_CASE("packet rules: what nft says is said")
{
    if (!Network::is_possible()) return;
    const Network network(1);
    network.on(1, [] {
        CHECK(set_packet_rules("add table netdev one\n").has_value());
        const Result<void> refused = set_packet_rules("add chain netdev two flows\n");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().what.starts_with("nft does not take rules: "));
        CHECK(refused.error().what.contains("No such file or directory"));
    });
}

}  // namespace belay::host
