// The configuration on its way from a controller to its members, over real TLS on loopback.

#include "base/testing/must.h"
#include "framework/configuration/register.h"
#include "framework/configuration/toml_text.h"
#include "site/remote/agent/copy_answers.h"
#include "site/remote/testing/house.h"
#include "store/etcd/testing/cutting_proxy.h"

#include <doctest/doctest.h>
#include <random>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using framework::configuration::Author;
using framework::configuration::Copy;
using framework::configuration::CopyFollower;
using framework::configuration::Delta;
using framework::configuration::Ids;
using framework::configuration::Object;
using framework::configuration::Register;
using framework::configuration::Snapshot;
using framework::configuration::Step;
using framework::configuration::Version;
using testing::AgentHouse;
using testing::ControllerHouse;

const Author anna{.who = "anna", .at_ms = 1'800'000'000'000};

/// The configuration of a site, as its store has it.
class Site {
  public:
    explicit Site(store::Store& store) : register_(store)
    {
        Object host;
        host.id = -1;
        host.type = "host";
        host.name = "a";
        host.attributes = {{"address", "1"}};
        make({{{nullptr, std::make_shared<const Object>(host)}}});
    }

    /// The address is the version that it comes with.
    Version change()
    {
        const Snapshot now = must(register_.snapshot());
        return set("address", fmt::format("{}", now.version + 1));
    }
    Version set(const std::string& attribute, const std::string& value)
    {
        const Snapshot now = must(register_.snapshot());
        Object host = *now.configuration->find("host", "a");
        host.attributes[attribute] = value;
        return make({{{now.configuration->share(host.id), std::make_shared<const Object>(host)}}});
    }
    /// A host with so many bytes that nothing makes shorter.
    Version add_large(const std::string& name, size_t bytes)
    {
        Object host;
        host.id = -1;
        host.type = "host";
        host.name = name;
        std::string noise;
        while (noise.size() < bytes) noise += static_cast<char>('!' + random_() % 90);
        host.attributes = {{"address", "1"}, {"location", noise}};
        return make({{{nullptr, std::make_shared<const Object>(host)}}});
    }
    std::string text() { return toml_text(*must(register_.snapshot()).configuration); }
    Version version() { return must(register_.snapshot()).version; }

  private:
    Version make(const Delta& delta)
    {
        return must(register_.make(delta, fmt::format("key {}", ++keys_), anna));
    }

    Register register_;
    int keys_ = 0;
    std::minstd_rand random_{4711};
};

std::string text_of(const Copy& copy)
{
    return toml_text(*copy.snapshot().configuration);
}

/// A watcher on a member, from a version on.
struct Watcher {
    explicit Watcher(Copy& copy, Version from) : follower(must(copy.follow(from))), version(from) {}
    /// All steps that are there; each begins where the one before has ended.
    void take(Milliseconds patience = 0ms)
    {
        for (auto steps = must(follower->next(patience)); !steps.empty(); steps = must(follower->next(0ms))) {
            for (const Step& step : steps) {
                REQUIRE(step.from.version == version);
                version = step.to.version;
                ++count;
                REQUIRE(step.delta.objects.size() == 1);
                REQUIRE(step.delta.objects.front().after->text("address") == fmt::format("{}", version));
            }
        }
    }
    std::unique_ptr<CopyFollower> follower;
    Version version;
    int count = 0;
};

struct Joined {
    explicit Joined(ControllerHouse& controller, const std::string& name, Role role = Role::agent)
    {
        must(agent.join(controller.invite({.role = role, .name = name})));
    }
    AgentHouse agent;
};

TEST_CASE("a member that attaches gets the configuration, and then each change")
{
    ControllerHouse controller;
    Site site(controller.store());
    Joined alpha(controller, "alpha");
    alpha.agent.attach();
    REQUIRE(alpha.agent.await_version(1));
    CHECK(text_of(alpha.agent.copy()) == site.text());
    Watcher watcher(alpha.agent.copy(), 1);
    for (int i = 0; i < 5; ++i) REQUIRE(alpha.agent.await_version(site.change()));
    watcher.take();
    CHECK(watcher.version == 6);
    CHECK(watcher.count == 5);
    CHECK(text_of(alpha.agent.copy()) == site.text());
    // The controller learns of it by the answer, a moment later.
    REQUIRE(
        controller.await_that([&] { return controller.get().distributor().distribution().current == 1; }));
    CHECK(controller.get().distributor().received_by("1")->version == 6);
    CHECK(!controller.get().distributor().received_by("2"));
}

TEST_CASE("a member that was away gets what it missed as one step, and beyond what is remembered the whole")
{
    ControllerHouse controller;
    Site site(controller.store());
    Joined alpha(controller, "alpha");
    alpha.agent.attach();
    REQUIRE(alpha.agent.await_version(1));
    Watcher watcher(alpha.agent.copy(), 1);
    alpha.agent.detach();
    for (int i = 0; i < 20; ++i) site.change();
    alpha.agent.attach();
    REQUIRE(alpha.agent.await_version(21));
    watcher.take();
    CHECK(watcher.count == 1);
    const auto has_second_base = [&] {
        return must(alpha.agent.store().get("copy/base/00000002/0000")).has_value();
    };
    CHECK(!has_second_base());
    alpha.agent.detach();
    for (int i = 0; i < framework::configuration::remembered_versions + 50; ++i) site.change();
    alpha.agent.attach();
    REQUIRE(alpha.agent.await_version(site.version()));
    CHECK(text_of(alpha.agent.copy()) == site.text());
    watcher.take();
    CHECK(watcher.count == 2);
    CHECK(watcher.version == site.version());
    CHECK(has_second_base());
}

TEST_CASE(
    "a configuration that is larger than a message comes in pieces, and changes meanwhile come after it")
{
    ControllerHouse controller;
    Site site(controller.store());
    for (int i = 0; i < 12; ++i) site.add_large(fmt::format("large {}", i), 200'000);
    Joined alpha(controller, "alpha");
    alpha.agent.attach();
    for (int i = 0; i < 5; ++i) site.change();
    REQUIRE(alpha.agent.await_version(site.version()));
    CHECK(text_of(alpha.agent.copy()) == site.text());
    CHECK(must(alpha.agent.store().list("copy/base/")).size() > 1);
}

TEST_CASE("a controller that is started anew brings its members on from where they are")
{
    ControllerHouse controller;
    Site site(controller.store());
    Joined alpha(controller, "alpha");
    alpha.agent.attach();
    REQUIRE(alpha.agent.await_version(1));
    Watcher watcher(alpha.agent.copy(), 1);
    controller.end();
    site.change();
    site.change();
    controller.begin();
    REQUIRE(alpha.agent.await_version(3));
    watcher.take();
    CHECK(watcher.count == 1);
}

TEST_CASE("a member that hangs keeps nobody waiting, and gets all that it missed as one step")
{
    ControllerHouse controller;
    Site site(controller.store());
    Joined alpha(controller, "alpha"), beta(controller, "beta");
    alpha.agent.attach();
    beta.agent.attach();
    REQUIRE(alpha.agent.await_version(1));
    REQUIRE(beta.agent.await_version(1));
    REQUIRE(
        controller.await_that([&] { return controller.get().distributor().distribution().current == 2; }));
    Watcher of_alpha(alpha.agent.copy(), 1), of_beta(beta.agent.copy(), 1);
    {
        const auto hanging = alpha.agent.hang();
        for (int i = 0; i < 20; ++i) REQUIRE(beta.agent.await_version(site.change()));
        CHECK(alpha.agent.copy().snapshot().version == 1);
        CHECK(controller.get().distributor().distribution().current <= 1);
    }
    REQUIRE(alpha.agent.await_version(21));
    of_alpha.take();
    of_beta.take();
    // The one that was under way when it hung, and the rest.
    CHECK(of_alpha.count <= 2);
    CHECK(of_beta.count == 20);
    CHECK(text_of(alpha.agent.copy()) == site.text());
}

TEST_CASE("where no controller answers the copy is read as before, and says how old it is")
{
    ControllerHouse controller({.heartbeat = 20ms, .timeout = 1s});
    Site site(controller.store());
    Joined branch(controller, "branch");
    branch.agent.attach();
    REQUIRE(branch.agent.await_version(1));
    Copy& copy = branch.agent.copy();
    const Json online = must(show_copy(copy, "host", "a", Ids::as_comments));
    CHECK(online.at("text").get<std::string>().find("address = \"1\"") != std::string::npos);
    // Heartbeats tell it how new it is.
    const int64_t first = online.at("as_of").at("heard_ms");
    REQUIRE(controller.await_that([&] { return copy.as_of().at("heard_ms").get<int64_t>() > first; }));
    CHECK(copy.as_of().at("newest") == 1);
    controller.end();
    REQUIRE(branch.agent.await_problem(ErrorKind::unavailable));
    const int64_t heard = copy.as_of().at("heard_ms");
    REQUIRE(controller.await_that([&] { return copy.as_of().at("ago_ms").get<int64_t>() > 50; }));
    CHECK(copy.as_of().at("heard_ms") == heard);
    CHECK(must(show_copy(copy, "", "", Ids::as_comments)).at("text") == site.text());
    CHECK(show_copy(copy, "host", "b", Ids::as_comments).error().kind == ErrorKind::not_found);
    CHECK(show_copy(copy, "", "b", Ids::as_comments).error().kind == ErrorKind::usage);
    CHECK(show_copy(copy, "hots", "", Ids::as_comments).error().kind == ErrorKind::usage);
    CHECK(watch_copy(copy).topic == configuration_topic);
    CHECK(must(changes_of_copy(copy, 1)).at("changes").empty());
    controller.begin();
    site.change();
    REQUIRE(branch.agent.await_version(2));
    const Json changes = must(changes_of_copy(copy, 1));
    REQUIRE(changes.at("changes").size() == 1);
    CHECK(changes.at("changes")[0].at("to") == 2);
    CHECK(changes_of_copy(copy, 7).error().next == "read it anew");
}

TEST_CASE(
    "the machines of a branch read and watch by their proxy, by a certificate of the site and nothing else")
{
    ControllerHouse controller, elsewhere;
    Site site(controller.store());
    Joined proxy(controller, "proxy", Role::proxy), reader(controller, "reader"),
        stranger(elsewhere, "stranger");
    proxy.agent.attach();
    REQUIRE(proxy.agent.await_version(1));
    const std::string address = must(proxy.agent.open_branch());
    CHECK(reader.agent.open_branch().error().what == "this machine is an agent of its site, and no proxy");
    controller.end();

    const auto client = proxy_client({address}, reader.agent.membership());
    const Json shown = must(client->call("ConfigShow", Json::object()));
    CHECK(shown.at("text") == site.text());
    CHECK(shown.at("as_of").at("ago_ms").get<int64_t>() >= 0);
    CHECK(client->call("Change", Json::object()).error().kind == ErrorKind::permission);
    CHECK(client->call("ConfigTake", Json::object()).error().kind == ErrorKind::not_found);
    std::vector<Version> seen;
    must(client->stream("ConfigWatch", Json::object(), [&](const Json& answer) {
        seen.push_back(answer.at("version"));
        if (seen.size() == 1) {
            controller.begin();
            site.change();
        }
        return answer.at("version") != 2;
    }));
    CHECK(seen == std::vector<Version>{1, 2});

    CHECK(proxy_client({address}, stranger.agent.membership())
              ->call("ConfigShow", Json::object())
              .error()
              .kind == ErrorKind::unavailable);
    Membership without = reader.agent.membership();
    without.certificate_pem = without.key_pem = "";
    CHECK(proxy_client({address}, without)->call("ConfigShow", Json::object()).error().kind ==
          ErrorKind::permission);
    // One whose certificate has ended, and one of another site that knows what everybody may know of this
    // one.
    const auto refusal = [&](const Membership& membership) {
        return proxy_client({address}, membership)->call("ConfigShow", Json::object()).error();
    };
    Membership ended = reader.agent.membership();
    ended.certificate_pem = must(controller.authority().authority.issue(
                                     must(make_request(ended.key_pem)), ended.identity,
                                     controller.wall() - 24h * 100, Controller::certificate_lasts))
                                .pem;
    CHECK(refusal(ended).what.ends_with(" has expired"));
    Membership forged = stranger.agent.membership();
    forged.identity = ended.identity;
    forged.authority_pem = ended.authority_pem;
    CHECK(refusal(forged).kind == ErrorKind::permission);
    // A proxy is not taken for a controller, nor a controller for a proxy.
    RemoteSite people = controller.remote_site();
    people.controllers = {address};
    CHECK(log_in(people, "anna", "secret").error().kind == ErrorKind::unavailable);
    CHECK(proxy_client({controller.get().address()}, reader.agent.membership())
              ->call("ConfigShow", Json::object())
              .error()
              .kind == ErrorKind::unavailable);
}

TEST_CASE("over 200 connections that are cut at any instant no watcher loses a change or sees one twice")
{
    constexpr int agents = 8;
    constexpr int cuts = 25;
    ControllerHouse controller;
    Site site(controller.store());
    // Some of what is cut are pieces of a whole.
    for (int i = 0; i < 6; ++i) site.add_large(fmt::format("large {}", i), 250'000);
    store::CuttingProxy network(controller.get().address());
    controller.restart_as(network.endpoint());
    std::vector<std::unique_ptr<Joined>> joined;
    for (int i = 0; i < agents; ++i) {
        AgentHouse& agent =
            joined.emplace_back(std::make_unique<Joined>(controller, fmt::format("host-{}", i)))->agent;
        Membership membership = agent.membership();
        membership.controllers = {network.endpoint()};
        agent.attach(membership);
    }
    const Version first = site.version();
    std::vector<std::unique_ptr<Watcher>> watchers;
    std::minstd_rand random(20260724);
    std::uniform_int_distribution<int> instant(0, 3000), how_many(0, 3);
    std::map<std::string, std::string> lines;  // by which each member was attached when they were last cut
    const auto all_attached = [&] {
        std::map<std::string, std::string> now;
        for (int i = 1; i <= agents; ++i) {
            const std::string id = fmt::format("{}", i);
            const Presence presence = controller.get().hub().presence(id);
            if (presence.state != Presence::State::attached || presence.address == lines[id]) return false;
            now[id] = presence.address;
        }
        lines = now;
        return true;
    };
    for (int i = 0; i < cuts; ++i) {
        REQUIRE(controller.await_that(all_attached));
        if (i == 3) {
            for (const auto& one : joined) {
                REQUIRE(one->agent.await_version(site.version()));
                watchers.push_back(std::make_unique<Watcher>(one->agent.copy(), site.version()));
            }
        }
        for (int change = i < 3 ? 0 : how_many(random); change > 0; --change) site.change();
        // Whatever is on its way at this instant; not to wait for anything.
        std::this_thread::sleep_for(std::chrono::microseconds(instant(random)));
        network.cut();
    }
    CHECK(network.breaks() >= agents * cuts);
    CHECK(site.version() > first + cuts / 2);
    for (int i = 0; i < agents; ++i) {
        Copy& copy = joined[i]->agent.copy();
        REQUIRE(joined[i]->agent.await_version(site.version()));
        watchers[i]->take();
        CHECK(watchers[i]->version == site.version());
        CHECK(text_of(copy) == site.text());
    }
}

}  // namespace
}  // namespace belay::site
