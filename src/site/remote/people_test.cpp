// People who ask a controller from elsewhere, over real TLS on loopback.

#include "base/testing/must.h"
#include "site/remote/remote_client.h"
#include "site/remote/testing/house.h"
#include "store/etcd/testing/cutting_proxy.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using testing::ControllerHouse;

constexpr const char* password = "correct horse";

/// A controller with an account for each right, of that name.
struct People {
    People()
    {
        for (const char* name : {"view", "operate", "administer"})
            must(controller.get().accounts().add(name, must(right_named(name)), password, controller.wall()));
    }
    std::unique_ptr<Client> client(const std::string& account)
    {
        return remote_client(controller.remote_site(),
                             must(log_in(controller.remote_site(), account, password)).token);
    }
    ControllerHouse controller;
};

TEST_CASE("a person logs in and asks, and may do what the account may do")
{
    People people;
    const LoggedIn session = must(log_in(people.controller.remote_site(), "operate", password));
    CHECK(session.right == Right::operate);
    const auto client = people.client("operate");
    const Json answer = must(client->call("Echo", {{"a", 1}}));
    CHECK(answer["said"] == Json{{"a", 1}});
    CHECK(answer["user"] == "operate");
    CHECK(must(client->call("Change", Json::object())) == Json::object());
    CHECK(must(people.client("administer")->call("Appoint", Json::object())) == Json::object());

    const Error looks = people.client("view")->call("Change", Json::object()).error();
    CHECK(looks.kind == ErrorKind::permission);
    CHECK(looks.what == "view may look here, and change nothing");
    CHECK(client->call("Appoint", Json::object()).error().what ==
          "operate may operate here, and this is for those who may administer");
    CHECK(client->call("Nothing", Json::object()).error().kind == ErrorKind::not_found);
}

TEST_CASE("who has no session gets no answer, and one that has ended is none")
{
    People people;
    const RemoteSite site = people.controller.remote_site();
    CHECK(remote_client(site, "")->call("Echo", Json::object()).error().kind == ErrorKind::permission);
    CHECK(remote_client(site, "guessed")->call("Echo", Json::object()).error().kind == ErrorKind::permission);
    const LoggedIn session = must(log_in(site, "view", password));
    const auto client = remote_client(site, session.token);
    must(client->call("Echo", Json::object()));
    must(log_out(site, session.token));
    CHECK(client->call("Echo", Json::object()).error().next == "belay login");
    const auto late = people.client("view");
    people.controller.advance(Accounts::session_lasts);
    CHECK(late->call("Echo", Json::object()).error().kind == ErrorKind::permission);
}

TEST_CASE("a question waits for a controller that leads, until it is told to stop")
{
    People people;
    const auto client = people.client("view");
    people.controller.end();
    {
        const std::jthread later([&] {
            std::this_thread::sleep_for(1s);
            people.controller.begin();
        });
        CHECK(must(client->call("Echo", {{"a", 1}}))["said"] == Json{{"a", 1}});
    }
    people.controller.end();
    const auto begun = std::chrono::steady_clock::now();
    {
        const std::jthread later([&] {
            std::this_thread::sleep_for(200ms);
            client->interrupt();
        });
        CHECK_FALSE(client->call("Echo", Json::object()));
    }
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
    people.controller.begin();
    // What a method misses is no matter of who leads: it says so at once.
    CHECK(client->call("Missing", Json::object()).error().kind == ErrorKind::unavailable);
    CHECK(std::chrono::steady_clock::now() - begun < 10s);
}

TEST_CASE("what may have been done when the connection ended is not asked for again")
{
    People people;
    store::CuttingProxy network(people.controller.get().address());
    const LoggedIn session = must(log_in(people.controller.remote_site(), "view", password));
    RemoteSite site = people.controller.remote_site();
    site.controllers = {network.endpoint()};
    const auto client = remote_client(site, session.token);
    must(client->call("Echo", Json::object()));
    const auto cut_soon = [&] {
        return std::jthread([&] {
            std::this_thread::sleep_for(300ms);
            network.cut();
        });
    };
    {
        const std::jthread cutting = cut_soon();
        const Error lost = client->call("Slow", Json::object()).error();
        CHECK(lost.kind == ErrorKind::lost);
        CHECK(lost.what.find("may have been done") != std::string::npos);
    }
    // What only looks goes on by itself.
    const std::jthread cutting = cut_soon();
    CHECK(client->stream("Slow", Json::object(), [](const Json&) { return true; }));
}

TEST_CASE("a wrong password is refused, in the audit trail, and nowhere written down")
{
    People people;
    const RemoteSite site = people.controller.remote_site();
    CHECK(log_in(site, "view", "battery staple").error().kind == ErrorKind::permission);
    CHECK(log_in(site, "nobody", password).error().kind == ErrorKind::permission);
    CHECK(people.controller.audit_says("no such account, or another password"));
    CHECK_FALSE(people.controller.audit_says("battery staple"));
    CHECK_FALSE(people.controller.audit_says(password));
    const LoggedIn session = must(log_in(site, "view", password));
    CHECK_FALSE(people.controller.audit_says(session.token));
}

TEST_CASE("a stream follows what changes until it is enough, and interrupt() ends one that waits")
{
    People people;
    const auto client = people.client("view");
    int last = -1;
    must(client->stream("Follow", Json::object(), [&](const Json& answer) {
        last = answer["value"];
        if (last < 3) people.controller.set(last + 1);
        return last < 3;
    }));
    CHECK(last == 3);
    std::thread waiting([&] {
        must(client->stream("Follow", Json::object(), [&](const Json&) {
            client->interrupt();
            return true;
        }));
    });
    waiting.join();
    CHECK(must(client->call("Echo", Json::object()))["user"] == "view");
}

TEST_CASE("where the first controller of a list is gone the next one answers")
{
    People people;
    RemoteSite site = people.controller.remote_site();
    site.controllers.insert(site.controllers.begin(), "127.0.0.1:1");
    const LoggedIn session = must(log_in(site, "view", password));
    CHECK(session.controller == people.controller.get().address());
    CHECK(remote_client(site, session.token)->call("Echo", Json::object()));
    site.controllers = {"127.0.0.1:1"};
    CHECK(log_in(site, "view", password).error().kind == ErrorKind::unavailable);
}

}  // namespace
}  // namespace belay::site
