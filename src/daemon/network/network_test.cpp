// Machines of a site as processes: a controller and members, seen from outside.

#include "daemon/network/testing/machine.h"
#include "host/descriptor.h"
#include "site/remote/remote_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>

namespace belay::daemon {
namespace {

using namespace testing;

/// A controller, and a machine that is its host web1.
struct Pair {
    Machine controller, agent;

    Pair()
    {
        controller.make_controller();
        join(controller, agent, {{"name", "web1"}});
        REQUIRE(agent.await_status(is_attached));
    }
};

TEST_CASE("a machine that runs alone loads nothing of the network")
{
    Machine machine;
    CHECK(machine.status().at("place").at("role") == "alone");
    CHECK(text_of_file(fmt::format("/proc/{}/maps", machine.pid())).find("libgrpc") == std::string::npos);
}

TEST_CASE("a host joins by an invitation, is seen by its controller, and is shut out when it is revoked")
{
    Pair pair;
    const Json place = pair.agent.status().at("place");
    CHECK(place.at("role") == "agent");
    CHECK(place.at("link").at("name") == "web1");
    CHECK(place.at("link").at("problem") == nullptr);

    const Json hosts = pair.controller.ask("HostList").at("hosts");
    REQUIRE(hosts.size() == 1);
    CHECK(hosts[0].at("name") == "web1");
    CHECK(hosts[0].at("presence").at("state") == "attached");
    CHECK(hosts[0].at("presence").at("version") == BELAY_VERSION);
    CHECK(hosts[0].at("presence").at("address").get<std::string>().starts_with("127.0.0.1:"));
    CHECK(pair.controller.status().at("place").at("controller").at("hosts") == hosts);

    pair.controller.ask("HostRevoke", {{"host", "web1"}, {"why", "stolen"}});
    CHECK(pair.agent.await_status([](const Json& status) {
        const Json& link = status.at("place").at("link");
        return link.at("attached") == false && link.at("problem").is_object() &&
               link.at("problem").at("kind") == "permission";
    }));
    CHECK(pair.controller.ask("HostList").at("hosts").empty());
    CHECK(pair.controller.ask("HostList", {{"revoked", true}}).at("hosts").size() == 1);

    const std::string trail = pair.controller.ask("Audit").dump();
    for (const char* said : {"invite", "invitation 1", "revoke", "stolen", "host web1"})
        CHECK_MESSAGE(trail.find(said) != std::string::npos, said);
}

TEST_CASE("a host is attached again after its controller and after itself were killed")
{
    Pair pair;
    kill(pair.agent.pid(), SIGKILL);
    pair.agent.stop();
    CHECK(pair.controller.await_status([](const Json& status) {
        return status.at("place").at("controller").at("hosts")[0].at("presence").at("state") == "gone";
    }));
    CHECK(pair.agent.await_status(is_attached));
}

TEST_CASE("an invitation is good once, and a machine is a member of one site")
{
    Pair pair;
    const std::string word = pair.controller.ask("HostInvite").at("word");
    const Ran twice = pair.agent.belayd({"join", word});
    CHECK(twice.code == 1);
    CHECK_MESSAGE(twice.said.find("is a member of the site") != std::string::npos, twice.said);

    Machine first, second;
    CHECK(first.belayd({"join", word}).code == 0);
    const Ran used = second.belayd({"join", word});
    CHECK(used.code == 1);
    CHECK_MESSAGE(used.said.find("this invitation is not good") != std::string::npos, used.said);
    CHECK(second.belayd({"join", "nonsense"}).code == 2);

    const Ran left = first.belayd({"leave"});
    CHECK(left.code == 0);
    CHECK_MESSAGE(left.said.find("belay host revoke") != std::string::npos, left.said);
    CHECK(first.status().at("place").at("role") == "alone");
}

TEST_CASE("the word of an invitation does not stay on the command line")
{
    // Whoever listens there answers nothing, so the joining process stays.
    const host::Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    REQUIRE(bind(listener.number(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener.number(), 4) == 0);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    REQUIRE(setsockopt(listener.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    REQUIRE(getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    Pair pair;
    site::Invitation invitation =
        need(site::read_invitation(pair.controller.ask("HostInvite").at("word").get<std::string>()));
    invitation.controllers = {fmt::format("127.0.0.1:{}", ntohs(address.sin_port))};
    const std::string word = need(site::to_word(invitation));

    const Machine machine;
    const pid_t pid = spawn({TEST_BELAYD, "join", word, "--state-dir", machine.state()}, {plain_path}, {});
    const host::Descriptor dialled(accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC));
    CHECK(dialled);
    const std::string seen = text_of_file(fmt::format("/proc/{}/cmdline", pid));
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    CHECK(seen.find("join") != std::string::npos);
    CHECK(seen.find("belay1.") == std::string::npos);
}

TEST_CASE("a person with an account asks from elsewhere, and may do what the account's role allows")
{
    Machine controller;
    controller.make_controller();
    const std::string planted = "correct horse battery staple";
    const Json added =
        controller.ask("AccountAdd", {{"name", "anna"}, {"role", "view"}, {"password", planted}});
    const site::RemoteSite remote = need(site::read_site(added.at("site").get<std::string>()));
    const auto refused = site::log_in(remote, "anna", "another");
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::permission);
    const site::LoggedIn session = need(site::log_in(remote, "anna", planted));
    const auto client = site::remote_client(remote, session.token);
    CHECK(need(client->call("Status", Json::object())).at("place").at("role") == "controller");
    const auto invited = client->call("HostInvite", Json::object());
    REQUIRE(!invited);
    CHECK(invited.error().kind == ErrorKind::permission);

    controller.ask("AccountRole", {{"name", "anna"}, {"role", "administer"}});
    CHECK(client->call("HostInvite", Json::object()));
    controller.ask("AccountDisable", {{"name", "anna"}, {"disabled", true}});
    CHECK(!client->call("Status", Json::object()));

    // The password is nowhere: not in the trail, and not in what is kept.
    const std::string trail = controller.ask("Audit").dump();
    CHECK(trail.find("log in") != std::string::npos);
    CHECK(trail.find(planted) == std::string::npos);
    CHECK(text_of_file(controller.state() + "/belay.db").find(planted) == std::string::npos);
    CHECK(text_of_file(controller.state() + "/belay.db-wal").find(planted) == std::string::npos);
}

TEST_CASE("one change on two hosts goes through its life on both, and both go back when one was killed")
{
    Pair pair;
    Machine second;
    join(pair.controller, second, {{"name", "web2"}});
    REQUIRE(second.await_status(is_attached));
    // In the state folder of each.
    const std::string folder = "/proc/self/cwd/files";
    const auto has = [](const Machine& machine, std::string_view file) {
        return access(fmt::format("{}/files/{}", machine.state(), file).c_str(), F_OK) == 0;
    };
    for (const Machine* machine : {&pair.agent, &second})
        REQUIRE(mkdir((machine->state() + "/files").c_str(), 0755) == 0);
    const auto begin = [&](int64_t timer_ms) {
        const Json planned = pair.controller.ask("Plan", {{"procedure", "test.files"},
                                                          {"arguments", {{"folder", folder}}},
                                                          {"hosts", {"web2", "web1"}},
                                                          {"waves", {2}},
                                                          {"timer_ms", timer_ms},
                                                          {"keep", true}});
        REQUIRE_MESSAGE(planned.at("refused") == false, planned.at("findings").dump());
        const std::string id = planned.at("operation");
        for (const auto& [verb, state] : {std::pair{"add", "added"}, std::pair{"activate", "activated"}}) {
            pair.controller.ask("Request", {{"operation", id}, {"verb", verb}});
            const std::string came = pair.controller.rest(id);
            CHECK_MESSAGE(came == state, pair.controller.ask("Show", {{"operation", id}}).at("reason"));
        }
        return id;
    };
    const auto state_on = [](Machine& machine) {
        return machine.ask("List", {{"ended", true}}).at("operations").back().at("state");
    };

    const std::string kept = begin(3'600'000);
    pair.controller.ask("Request", {{"operation", kept}, {"verb", "commit"}});
    CHECK(pair.controller.rest(kept) == "committed");
    CHECK(state_on(pair.agent) == "committed");
    CHECK(state_on(second) == "committed");
    for (const Machine* machine : {&pair.agent, &second}) {
        for (const char* file : {"added", "activated", "committed"}) {
            CHECK(has(*machine, file));
            unlink(fmt::format("{}/files/{}", machine->state(), file).c_str());
        }
    }

    const std::string returns = begin(5'000);
    kill(pair.agent.pid(), SIGKILL);
    pair.agent.stop();
    REQUIRE(pair.agent.await_status(is_attached));
    CHECK(pair.controller.rest(returns, false) == "aborted");
    CHECK(state_on(pair.agent) == "aborted");
    CHECK(state_on(second) == "aborted");
    CHECK(!has(pair.agent, "activated"));
    CHECK(!has(second, "activated"));

    const auto nobody = pair.controller.face().call(
        "Plan", {{"procedure", "test.files"}, {"arguments", {{"folder", folder}}}, {"hosts", {"web9"}}});
    REQUIRE(!nobody);
    CHECK(nobody.error().kind == ErrorKind::not_found);
}

TEST_CASE(
    "a host answers from its copy of the configuration when its controller is gone, and changes nothing")
{
    Pair pair;
    const Json planned = pair.controller.ask(
        "Plan",
        {{"procedure", "config.change"},
         {"arguments",
          {{"text", "[host.web1]\naddress = \"10.0.0.1\"\n"}, {"file", "site.toml"}, {"mode", "merge"}}},
         {"keep", true}});
    const std::string id = planned.at("operation");
    for (const char* verb : {"add", "activate", "commit"}) {
        pair.controller.ask("Request", {{"operation", id}, {"verb", verb}});
        pair.controller.rest(id);
    }
    int64_t version = 0;
    const auto watched = [&] {
        const TimeLimit limit(pair.agent.face(), std::chrono::steady_clock::now() + std::chrono::minutes(1));
        return pair.agent.face().stream("ConfigWatch", Json::object(), [&](const Json& copy) {
            version = copy.at("version");
            return version == 0;
        });
    }();
    CHECK(watched);
    CHECK(version == 1);
    pair.controller.stop();
    pair.agent.forget_face();
    const Json shown = pair.agent.ask("ConfigShow");
    CHECK(shown.at("text").get<std::string>().find("10.0.0.1") != std::string::npos);
    CHECK(shown.at("as_of").at("heard_ms").is_number());
    const auto refused =
        pair.agent.face().call("Plan", {{"procedure", "config.change"},
                                        {"arguments", {{"text", ""}, {"file", "x"}, {"mode", "merge"}}},
                                        {"keep", true}});
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::refused);
}

TEST_CASE("neither strangers nor those who may only look can fill the audit trail")
{
    Machine controller;
    controller.make_controller();
    const Json listed = controller.ask("AccountList");
    const site::RemoteSite remote = need(site::read_site(listed.at("site").get<std::string>()));
    // An account that is not there is turned away at once after its first attempts.
    for (int attempt = 0; attempt < 60; ++attempt)
        CHECK(!site::log_in(remote, fmt::format("nobody{}", attempt % 2), "wrong"));
    const Json entries = controller.ask("Audit").at("entries");
    CHECK(entries.size() >= 10);
    CHECK(entries.size() <= 30);

    controller.ask("AccountAdd", {{"name", "anna"}, {"role", "view"}, {"password", "correct horse"}});
    const auto anna = site::remote_client(remote, need(site::log_in(remote, "anna", "correct horse")).token);
    for (int attempt = 0; attempt < 60; ++attempt) CHECK(!anna->call("HostInvite", Json::object()));
    CHECK(controller.ask("Audit").at("entries").size() <= 35);
}

TEST_CASE("a controller that cannot listen says so and does not serve")
{
    Machine controller;
    const Ran wrong = controller.belayd({"--listen", "nowhere"});
    CHECK(wrong.code == 1);
    CHECK_MESSAGE(wrong.said.find("\"nowhere\" is not HOST:PORT") != std::string::npos, wrong.said);
    const Ran none = controller.belayd({"--emergency-port", "127.0.0.1:0"});
    CHECK(none.code == 1);
    CHECK_MESSAGE(none.said.find("an emergency port is for a controller") != std::string::npos, none.said);
}

}  // namespace
}  // namespace belay::daemon
