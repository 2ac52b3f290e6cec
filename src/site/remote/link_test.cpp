// A controller and its members, each with a loop of its own, over real TLS on loopback.

#include "base/testing/must.h"
#include "site/remote/agent/join.h"
#include "site/remote/agent/uplink.h"
#include "site/remote/controller/controller.h"
#include "site/remote/invitation.h"
#include "site/remote/testing/house.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using testing::AgentHouse;
using testing::ControllerHouse;

TEST_CASE("a machine joins with an invitation, attaches, and answers what the controller asks")
{
    ControllerHouse controller;
    AgentHouse agent;
    const Membership membership = must(agent.join(controller.invite({.name = "alpha", .by = "anna"})));
    CHECK(membership.name == "alpha");
    agent.attach();
    REQUIRE(controller.await("alpha", Presence::State::attached));
    const Member member = must(controller.get().registry().find("alpha"));
    CHECK(member.invited_by == "anna");
    const Json answer = must(controller.get().hub().ask(member.id, "Echo", {{"a", 1}}, "anna", 5s));
    CHECK(answer["said"] == Json{{"a", 1}});
    CHECK(answer["user"] == "anna");
    CHECK(controller.get().hub().ask(member.id, "Nothing", Json::object(), "anna", 5s).error().kind ==
          ErrorKind::not_found);
}

TEST_CASE("a stream of answers follows what changes on the member, and ends when nobody wants it")
{
    ControllerHouse controller;
    AgentHouse agent;
    must(agent.join(controller.invite({.name = "alpha"})));
    agent.attach();
    REQUIRE(controller.await("alpha", Presence::State::attached));
    int last = -1;
    must(controller.get().hub().follow(
        "1", "Follow", Json::object(), "anna",
        [&](const Json& answer) {
            last = answer["value"];
            if (last < 3) agent.set(last + 1);
            return last < 3;
        },
        5s));
    CHECK(last == 3);
}

TEST_CASE("an invitation is good once, for a while, and for nobody who only knows its number")
{
    ControllerHouse controller;
    AgentHouse first, second, third;
    const std::string word = controller.invite({.name = "alpha"});
    must(first.join(word));
    const Error used = second.join(word).error();
    CHECK(used.kind == ErrorKind::permission);
    CHECK(used.what == "this invitation is not good, or no longer");
    CHECK(controller.audit_says("the invitation 1 was used"));

    Invitation guessed = must(read_invitation(controller.invite({.name = "beta"})));
    guessed.secret = std::string(16, 'x');
    CHECK(second.join(must(to_word(guessed))).error().kind == ErrorKind::permission);
    CHECK(controller.audit_says("the invitation 2 has another secret"));

    const std::string late = controller.invite({.name = "gamma", .valid_for = 5min});
    controller.advance(5min);
    CHECK(third.join(late).error().kind == ErrorKind::permission);
    CHECK(controller.audit_says("the invitation 3 has expired"));
}

TEST_CASE("a machine that has not got the answer joins again with the same invitation")
{
    ControllerHouse controller;
    AgentHouse agent;
    const std::string word = controller.invite({.name = "alpha"});
    must(agent.join(word));
    agent.forget_answer();
    const Membership again = must(agent.join(word));
    CHECK(again.identity.id == "1");
    agent.attach();
    CHECK(controller.await("alpha", Presence::State::attached));
    CHECK(must(controller.get().registry().all()).size() == 1);
}

TEST_CASE("a member that was revoked is cast out at once and not let in again")
{
    ControllerHouse controller;
    AgentHouse agent;
    must(agent.join(controller.invite({.name = "alpha"})));
    agent.attach();
    REQUIRE(controller.await("alpha", Presence::State::attached));
    must(controller.get().revoke("alpha"));
    REQUIRE(controller.await("alpha", Presence::State::gone));
    CHECK(agent.await_problem(ErrorKind::permission));
    CHECK(controller.get().hub().ask("1", "Echo", Json::object(), "", 5s).error().kind ==
          ErrorKind::unavailable);
}

TEST_CASE("a member of another site, and one whose certificate has expired, are refused")
{
    ControllerHouse controller, other;
    AgentHouse agent, stranger;
    Membership foreign = must(stranger.join(other.invite({.name = "alpha"})));
    foreign.controllers = {controller.get().address()};
    stranger.attach(foreign);
    // The controller is not one of its site, and it is not one of the controller's: it goes no further than
    // TLS.
    CHECK(stranger.await_problem(ErrorKind::unavailable));

    must(agent.join(controller.invite({.name = "alpha"})));
    controller.advance(Controller::certificate_lasts + 1h);
    agent.attach();
    CHECK(agent.await_problem(ErrorKind::permission));
    CHECK(controller.audit_says("the certificate of the agent 1 has expired"));
}

TEST_CASE(
    "certificates that TLS would end without a word are refused in words: ended by the clock, or of others")
{
    ControllerHouse controller, other;
    AgentHouse agent, stranger;
    Membership ended = must(agent.join(controller.invite({.name = "alpha"})));
    // Made by the authority of the site, a hundred days ago.
    const SiteAuthority authority = controller.authority();
    const std::string request = must(make_request(ended.key_pem));
    ended.certificate_pem =
        must(authority.authority.issue(request, ended.identity, controller.wall() - 24h * 100,
                                       Controller::certificate_lasts))
            .pem;
    agent.attach(ended);
    CHECK(agent.await_problem(ErrorKind::permission));
    CHECK(controller.audit_says("the certificate of the agent 1 has expired"));
    agent.detach();

    // It knows what everybody may know of the site, and its own authority says that it is a member of it.
    Membership forged = must(stranger.join(other.invite({.name = "alpha"})));
    forged.identity = ended.identity;
    forged.authority_pem = ended.authority_pem;
    forged.controllers = ended.controllers;
    forged.certificate_pem =
        must(other.authority().authority.issue(must(make_request(forged.key_pem)), ended.identity,
                                               controller.wall(), Controller::certificate_lasts))
            .pem;
    stranger.attach(forged);
    CHECK(stranger.await_problem(ErrorKind::permission));
    CHECK(controller.audit_says("the certificate was not made by the authority of this site"));
    CHECK(controller.get().hub().presence("1").state == Presence::State::never);
}

TEST_CASE("what listens there and is a member, but no controller, is not taken for one")
{
    ControllerHouse controller;
    AgentHouse agent;
    Membership membership = must(agent.join(controller.invite({.name = "alpha"})));
    // A server with an agent's certificate of the same site.
    const testing::Impostor impostor(membership);
    membership.controllers = {impostor.address()};
    agent.attach(membership);
    CHECK(agent.await_problem(ErrorKind::unavailable));
    CHECK(impostor.calls() == 0);
}

TEST_CASE("a member that hangs is told from one that is gone, and both attach again by themselves")
{
    ControllerHouse controller({.heartbeat = 20ms, .timeout = 200ms});
    AgentHouse agent;
    must(agent.join(controller.invite({.name = "alpha"})));
    agent.attach();
    REQUIRE(controller.await("alpha", Presence::State::attached));
    {
        const auto hanging = agent.hang();
        CHECK(controller.await("alpha", Presence::State::silent));
    }
    CHECK(controller.await("alpha", Presence::State::attached));
    agent.detach();
    CHECK(controller.await("alpha", Presence::State::gone));
    agent.attach();
    CHECK(controller.await("alpha", Presence::State::attached));
}

TEST_CASE(
    "a certificate of which a third is left is renewed with a new key, and then the old one is not good any "
    "more")
{
    ControllerHouse controller;
    AgentHouse agent;
    const Membership before = must(agent.join(controller.invite({.name = "alpha"})));
    const auto fingerprint = [&] { return must(controller.get().registry().find("alpha")).fingerprint; };
    const std::string first = fingerprint();
    const auto advance = [&](Milliseconds by) {
        // Both: by another clock the new certificate would be as old as the one before.
        agent.advance(by);
        controller.advance(by);
    };
    advance(24h * 59);
    agent.attach();
    REQUIRE(controller.await("alpha", Presence::State::attached));
    CHECK(fingerprint() == first);
    agent.detach();
    advance(24h * 2);
    agent.attach();
    REQUIRE(controller.await_that([&] { return fingerprint() != first; }));
    REQUIRE(controller.await("alpha", Presence::State::attached));
    CHECK(agent.membership().key_pem != before.key_pem);
    CHECK(must(read_certificate(agent.membership().certificate_pem)).fingerprint == fingerprint());
    agent.detach();
    agent.attach(before);
    CHECK(agent.await_problem(ErrorKind::permission));
    CHECK(controller.audit_says("the certificate of the agent 1 was replaced by a newer one"));
}

TEST_CASE("a person has the key of a host renewed at once")
{
    ControllerHouse controller;
    AgentHouse agent;
    const Membership before = must(agent.join(controller.invite({.name = "alpha"})));
    agent.attach();
    REQUIRE(controller.await("alpha", Presence::State::attached));
    must(controller.get().hub().renew("1"));
    REQUIRE(controller.await_that([&] { return agent.membership().key_pem != before.key_pem; }));
    CHECK(controller.await("alpha", Presence::State::attached));
    CHECK(controller.get().hub().renew("2").error().kind == ErrorKind::unavailable);
}

TEST_CASE("a controller that accepts and says nothing is left for the next one")
{
    ControllerHouse controller;
    AgentHouse agent;
    Membership membership = must(agent.join(controller.invite({.name = "alpha"})));
    const testing::SilentListener silent;
    membership.controllers = {silent.address(), controller.get().address()};
    agent.attach(membership, 50ms);
    CHECK(controller.await("alpha", Presence::State::attached));
}

TEST_CASE("a controller that is started anew on the same store finds its members again")
{
    AgentHouse agent;
    ControllerHouse controller;
    must(agent.join(controller.invite({.name = "alpha"})));
    agent.attach();
    REQUIRE(controller.await("alpha", Presence::State::attached));
    controller.restart();
    CHECK(controller.await("alpha", Presence::State::attached));
}

}  // namespace
}  // namespace belay::site
