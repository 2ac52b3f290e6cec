// A proxy as a process: it answers the machines of its branch while no controller does.

#include "daemon/network/testing/machine.h"
#include "site/remote/remote_client.h"

namespace belay::daemon {
namespace {

using namespace testing;

/// As the machine, of the proxy at this address.
std::unique_ptr<site::Client> branch_client(const Machine& machine, const std::string& address)
{
    const auto membership = need(site::MembershipFile(machine.state()).read());
    REQUIRE(membership);
    return site::proxy_client({address}, *membership);
}

std::string branch_of(Machine& proxy)
{
    const Json branch = proxy.status().at("place").at("link").at("branch");
    return branch.is_string() ? branch.get<std::string>() : "";
}

TEST_CASE("a proxy answers its branch while the controller is away, and begins anew with a new certificate")
{
    Machine controller, proxy, web1;
    controller.make_controller();
    configure(controller, "[host.web1]\naddress = \"10.0.0.1\"\n");
    join(controller, proxy, {{"name", "branch"}, {"role", "proxy"}});
    join(controller, web1, {{"name", "web1"}});
    REQUIRE(proxy.await_status(is_attached));
    CHECK(branch_of(proxy).empty());
    proxy.stop();

    const Ran wrong = proxy.belayd({"--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:4880"});
    CHECK(wrong.code == 1);
    CHECK_MESSAGE(wrong.said.find("this machine is a proxy of its site") != std::string::npos, wrong.said);
    proxy.make_controller();  // what it keeps of --listen is the same
    const auto has_copy = [](const Json& status) {
        return is_attached(status) && status.at("place").at("link").at("configuration").at("version") == 1;
    };
    REQUIRE(proxy.await_status(has_copy));
    const Json started = proxy.status().at("started_ms");
    controller.ask("HostRenew", {{"host", "branch"}});
    REQUIRE(proxy.await_status([&](const Json& status) {
        return has_copy(status) && status.at("started_ms") != started &&
               status.at("place").at("link").at("branch").is_string();
    }));
    const std::string address = branch_of(proxy);
    controller.stop();

    const auto client = branch_client(web1, address);
    const Json shown = need(client->call("ConfigShow", Json::object()));
    CHECK(shown.at("text").get<std::string>().find("address = \"10.0.0.1\"") != std::string::npos);
    CHECK(shown.at("as_of").at("version") == 1);
    CHECK(need(client->call("Status", Json::object())).at("place").at("role") == "proxy");
    const Ran exported = web1.belay({"--proxy", address, "--state-dir", web1.state(), "config", "export"});
    CHECK_MESSAGE(exported.code == 0, exported.said);
    CHECK_MESSAGE(exported.out.find("address = \"10.0.0.1\"") != std::string::npos, exported.out);
    Machine stranger;
    const Ran refused = stranger.belay({"--proxy", address, "--state-dir", stranger.state(), "status"});
    CHECK(refused.code == 5);
    CHECK_MESSAGE(refused.said.find("this machine is a host of no site") != std::string::npos, refused.said);
    // Neither its configuration nor its own disks are changed by the branch.
    for (const char* method : {"ConfigTake", "Plan", "Request", "Inventory"})
        CHECK_MESSAGE(client->call(method, Json::object()).error().kind == ErrorKind::not_found, method);
}

}  // namespace
}  // namespace belay::daemon
