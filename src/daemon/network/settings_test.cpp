// What the configuration says of how Belay works on a host.

#include "daemon/network/testing/machine.h"

namespace belay::daemon {
namespace {

using namespace testing;

std::string presence_of(Machine& controller, const std::string& host)
{
    return controller.ask("HostList", {{"host", host}}).at("hosts")[0].at("presence").at("state");
}

TEST_CASE("a host is missed as soon as the configuration says, and its log says as much")
{
    Machine controller, web1, web2;
    controller.make_controller();
    configure(controller,
              "[host.web1]\naddress = \"10.0.0.1\"\nlog = \"trace\"\n"
              "heartbeat_interval = \"100ms\"\nheartbeat_timeout = \"500ms\"\n");
    join(controller, web1, {{"name", "web1"}});
    join(controller, web2, {{"name", "web2"}});
    web1.start({"--log-file", web1.path("log"), "--log-verbose", "standard"});
    web2.start({"--log-file", web2.path("log"), "--log-verbose", "standard"});
    const auto has_copy = [](const Json& status) {
        return is_attached(status) && status.at("place").at("link").at("configuration").at("version") == 1;
    };
    REQUIRE(web1.await_status(has_copy));
    REQUIRE(web2.await_status(has_copy));

    for (const pid_t host : {web1.pid(), web2.pid()}) kill(host, SIGSTOP);
    CHECK(controller.await_status([](const Json& status) {
        return status.at("place").at("controller").at("hosts")[0].at("presence").at("state") == "silent";
    }));
    CHECK(presence_of(controller, "web2") == "attached");
    for (const pid_t host : {web1.pid(), web2.pid()}) kill(host, SIGCONT);

    controller.stop();
    const auto is_alone = [](const Json& status) { return !is_attached(status); };
    CHECK(web1.await_status(is_alone));
    CHECK(web2.await_status(is_alone));
    CHECK(text_of_file(web1.path("log")).find(" trace     not attached") != std::string::npos);
    CHECK(text_of_file(web2.path("log")).find(" trace ") == std::string::npos);
}

}  // namespace
}  // namespace belay::daemon
