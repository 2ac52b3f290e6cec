#include "framework/supervision/described.h"

#include "framework/configuration/testing/sample.h"

namespace belay::framework::supervision {
namespace {

using namespace std::chrono_literals;
using configuration::site_of;

const Unseal no_secrets = [](std::string_view) -> Result<std::string> {
    return fail(ErrorKind::not_found, "the key is not here");
};

const std::string full_site = R"(
[host.h1]
address = "10.0.0.1"
[host.h2]
address = "10.0.0.2"
[host.h3]
address = "10.0.0.3"
maintenance = true

[application.licence]
host = "h2"
command = ["licence"]

[application."stat server"]
host = "h1"
command = ["/usr/bin/stat-server", "-app", "stat server"]
user = "genesys"
environment = { LANG = "C" }
autorestart = "always"
nonstop = "3/1m"
heartbeat = "5s"
when_hung = "notify"
drain_timeout = "10s"
stop_signal = "SIGINT"
orders = { kind = "signals", drain = "SIGWINCH" }
readiness = { kind = "port", port = "admin", interval = "1s" }
health = { kind = "http", path = "/alive" }
limits = { memory = "64MiB", open_files = 4096 }
sandbox = { capabilities = ["cap_net_bind_service"], private_tmp = true }

[[application."stat server".ports]]
name = "main"
port = 2020
held = true
nonblocking = true
[[application."stat server".ports]]
name = "admin"
port = 2021
address = "10.0.0.1"

[[application."stat server".prerequisites]]
kind = "application"
application = "licence"
timeout = "30s"
[[application."stat server".prerequisites]]
kind = "file"
path = "/etc/licence"
valid_until = "2027-01-31"

[application.idle]
host = "h1"
command = ["idle"]
autostart = false

[application.resting]
host = "h3"
command = ["resting"]

[application."stat server b"]
host = "h2"
command = ["/opt/stat-server"]

[pair.stat]
primary = "stat server"
backup = "stat server b"
)";

TEST_CASE("described: everything of a host's applications is resolved")
{
    const auto site = site_of(full_site);
    const Described described = described_on(site, "h1", no_secrets);
    REQUIRE(described.applications.size() == 2);
    const Application& idle = described.applications[0];
    CHECK(idle.name == "idle");
    CHECK(described.standard.at(idle.id) == Want::stopped);
    CHECK(idle.readiness.kind == Question::Kind::running);
    CHECK(idle.nonstop == Nonstop{6, 10s});
    CHECK(idle.stop_signal == SIGTERM);
    CHECK(idle.shutdown_timeout == 30s);
    CHECK_FALSE(idle.sandbox.capabilities);

    const Application& stat = described.applications[1];
    CHECK(described.standard.at(stat.id) == Want::running);
    CHECK(stat.command == std::vector<std::string>{"/usr/bin/stat-server", "-app", "stat server"});
    CHECK(stat.user == "genesys");
    CHECK(stat.environment == std::vector{std::pair<std::string, std::string>("LANG", "C")});
    CHECK(stat.autorestart == Autorestart::always);
    CHECK(stat.nonstop == Nonstop{3, 1min});
    CHECK(stat.heartbeat == 5s);
    CHECK_FALSE(stat.restart_when_hung);
    CHECK(stat.drain_timeout == 10s);
    CHECK(stat.stop_signal == SIGINT);
    CHECK(stat.orders.kind == Orders::Kind::signals);
    CHECK(stat.orders.drain == SIGWINCH);
    CHECK(stat.readiness.kind == Question::Kind::port);
    CHECK(stat.readiness.port == 2021);
    CHECK(stat.readiness.address == "10.0.0.1");
    CHECK(stat.readiness.interval == 1s);
    CHECK(stat.health.kind == Question::Kind::http);
    CHECK(stat.health.port == 2020);
    CHECK(stat.health.address == "127.0.0.1");
    CHECK(stat.health.path == "/alive");
    CHECK(stat.limits.memory == 64 << 20);
    CHECK(stat.limits.open_files == 4096);
    CHECK(stat.sandbox.capabilities == std::vector<std::string>{"cap_net_bind_service"});
    CHECK(stat.sandbox.private_tmp);
    REQUIRE(stat.sockets.size() == 1);
    CHECK(stat.sockets[0].port == 2020);
    CHECK(stat.sockets[0].nonblocking);
    REQUIRE(stat.gates.size() == 2);
    CHECK(stat.gates[0].application == site.find("application", "licence")->id);
    CHECK(stat.gates[0].timeout == 30s);
    CHECK(to_text(stat.gates[1]) == "file /etc/licence, valid until 2027-01-31");
}

TEST_CASE("described: a backup has what its primary has, but for its program")
{
    const Described described = described_on(site_of(full_site), "h2", no_secrets);
    REQUIRE(described.applications.size() == 2);
    const Application& backup = described.applications[1];
    CHECK(backup.command == std::vector<std::string>{"/opt/stat-server"});
    CHECK(backup.heartbeat == 5s);
    CHECK(backup.gates.size() == 2);
    CHECK(backup.user.empty());
}

TEST_CASE(
    "described: maintenance is said beside what goes without it; there is nothing on a host that is not "
    "there")
{
    const auto site = site_of(full_site);
    const Described described = described_on(site, "h3", no_secrets);
    REQUIRE(described.applications.size() == 1);
    CHECK(described.in_maintenance);
    CHECK(described.standard.begin()->second == Want::running);
    CHECK(described_on(site, "h4", no_secrets).applications.empty());
}

TEST_CASE("described: an application goes to JSON and back whole, and what is none is refused")
{
    for (const Application& application : described_on(site_of(full_site), "h1", no_secrets).applications) {
        const auto back = application_from(Json(application));
        REQUIRE(back);
        CHECK(*back == application);
    }
    CHECK(application_from(Json::array()).error().kind == ErrorKind::corrupt);
    CHECK(application_from(Json{{"id", 1}, {"name", "x"}, {"command", Json::array()}}).error().kind ==
          ErrorKind::corrupt);
    CHECK(application_from(Json{{"id", 1}, {"name", "x"}, {"command", {"x"}}, {"autorestart", "perhaps"}})
              .error()
              .kind == ErrorKind::corrupt);
}

}  // namespace
}  // namespace belay::framework::supervision
