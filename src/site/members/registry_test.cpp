#include "site/members/registry.h"

#include "base/testing/must.h"
#include "site/identity/authority.h"
#include "store/memory.h"

#include <atomic>
#include <doctest/doctest.h>
#include <thread>

namespace belay::site {
namespace {

using namespace std::chrono_literals;

constexpr const char* registry_site = "0123456789abcdef";

/// A registry whose certificates come from a real authority.
struct Office {
    store::MemoryStore store{{.boot = "this boot", .now = [] { return Milliseconds(1000); }}};
    Registry registry{store};
    Authority authority = must(Authority::make(registry_site, now));
    std::string request = must(make_request(must(make_key())));
    static constexpr Milliseconds now = 1'800'000'000s;

    Registry::Issue issue()
    {
        return [this](Role role, const std::string& id) {
            return authority.issue(request, {registry_site, role, id}, now, 24h);
        };
    }
    OpenInvitation invite(const std::string& name = "alpha")
    {
        return must(registry.invite({.name = name, .by = "anna"}, "0123456789abcdef", now));
    }
    Registry::Join join(const OpenInvitation& open, const std::string& key = "a key")
    {
        return {.invitation = open.number, .secret = open.secret, .key_digest = key, .host_name = "itself"};
    }
    Registry::Joined member(const std::string& name = "alpha")
    {
        return must(registry.enrol(join(invite(name)), now, issue()));
    }
};

TEST_CASE("an invitation makes one member, however many machines use it at the same time")
{
    Office office;
    const OpenInvitation open = office.invite();
    std::atomic<int> joined = 0, refused = 0;
    std::vector<std::thread> machines;
    for (int i = 0; i < 8; ++i)
        machines.emplace_back([&, i] {
            const auto result = office.registry.enrol(office.join(open, fmt::format("key {}", i)),
                                                      Office::now, office.issue());
            ++(result ? joined : refused);
        });
    for (std::thread& machine : machines) machine.join();
    CHECK(joined == 1);
    CHECK(refused == 7);
    CHECK(must(office.registry.all()).size() == 1);
}

TEST_CASE("members get numbers that are never used again, and names that are there once")
{
    Office office;
    CHECK(office.member("alpha").member.id == "1");
    CHECK(office.member("beta").member.id == "2");
    CHECK(office.registry.invite({.name = "beta"}, "0123456789abcdef", Office::now).error().kind ==
          ErrorKind::busy);
    const OpenInvitation unnamed = must(office.registry.invite({}, "0123456789abcdef", Office::now));
    CHECK(must(office.registry.enrol(office.join(unnamed), Office::now, office.issue())).member.name ==
          "itself");
    CHECK(office.registry.rename("alpha", "beta").error().kind == ErrorKind::busy);
    CHECK(must(office.registry.rename("alpha", "omega")).id == "1");
    CHECK(office.registry.find("alpha").error().kind == ErrorKind::not_found);
    CHECK(must(office.registry.find("omega")).id == "1");
    CHECK(must(office.registry.find("1")).name == "omega");
    CHECK(office.member("alpha").member.id == "4");
    must(office.registry.revoke("beta"));
    CHECK(must(office.registry.all()).size() == 4);
}

TEST_CASE("the name of a member that was revoked is free for the machine that comes in its place")
{
    Office office;
    const Certificate stolen = office.member("alpha").certificate;
    must(office.registry.revoke("alpha"));
    CHECK(office.member("alpha").member.id == "2");
    CHECK(must(office.registry.find("alpha")).id == "2");
    CHECK(office.registry.invite({.name = "alpha"}, "0123456789abcdef", Office::now).error().kind ==
          ErrorKind::busy);
    CHECK(office.registry.admit(stolen, Office::now).error().what ==
          "the certificate of the agent 1 was revoked");
    // The one before is still there by its number, and takes nobody's name away.
    must(office.registry.rename("1", "alpha-stolen"));
    CHECK(must(office.registry.find("alpha")).id == "2");
    CHECK(must(office.registry.find("alpha-stolen")).id == "1");
    must(office.registry.revoke("2"));
    CHECK(must(office.registry.rename("1", "alpha")).name == "alpha");
    CHECK(must(office.registry.find("alpha")).id == "1");
}

TEST_CASE("a name that is none of a host is refused")
{
    for (const char* name : {"", "-x", "a b", "a/b", "12", "\xff", "."}) CHECK(!check_member_name(name));
    CHECK(!check_member_name(std::string(64, 'a')));
    for (const char* name : {"a", "db-1.example.org", "7up", "A_b"}) CHECK(check_member_name(name));
}

TEST_CASE("the next certificate takes the place of the one before when it is first used, and not earlier")
{
    Office office;
    const Registry::Joined joined = office.member();
    const Certificate next = must(office.issue()(Role::agent, "1"));
    must(office.registry.give_next("1", next));
    CHECK(office.registry.admit(joined.certificate, Office::now));
    CHECK(office.registry.admit(next, Office::now));
    const auto before = office.registry.admit(joined.certificate, Office::now);
    CHECK(before.error().what == "the certificate of the agent 1 was replaced by a newer one");
    CHECK(office.registry.admit(next, next.not_after).error().kind == ErrorKind::permission);
}

TEST_CASE(
    "certificates that the authority has made are refused for nobody, another role, and who was revoked")
{
    Office office;
    const Registry::Joined joined = office.member();
    const auto refusal = [&](const Certificate& certificate) {
        return office.registry.admit(certificate, Office::now).error().what;
    };
    CHECK(refusal(must(office.issue()(Role::agent, "9"))) == "the certificate of the agent 9 is for nobody");
    CHECK(refusal(must(office.issue()(Role::proxy, "1"))) ==
          "the certificate of the proxy 1 is for another role");
    CHECK(refusal(must(office.issue()(Role::agent, "1"))) ==
          "the certificate of the agent 1 was replaced by a newer one");
    must(office.registry.revoke("alpha"));
    CHECK(refusal(joined.certificate) == "the certificate of the agent 1 was revoked");
    CHECK(office.registry.give_next("1", joined.certificate).error().kind == ErrorKind::permission);
}

TEST_CASE("an invitation lasts from a minute to thirty days")
{
    Office office;
    for (const Milliseconds wrong : {Milliseconds(59'999), Milliseconds(24h * 30) + 1ms})
        CHECK(office.registry.invite({.valid_for = wrong}, "0123456789abcdef", Office::now).error().kind ==
              ErrorKind::usage);
}

}  // namespace
}  // namespace belay::site
