// Several controllers over one etcd, as processes: one leads, and another takes over.

#include "daemon/network/testing/machine.h"
#include "store/etcd/testing/cluster.h"

namespace belay::daemon {
namespace {

using namespace testing;

Json store_of_site(const std::string& prefix)
{
    return {{"address", fmt::format("etcd:{}/{}", store::shared_etcd().endpoint(0), prefix)},
            {"ca", ""},
            {"certificate", ""},
            {"key", ""}};
}

bool leads(const Json& status)
{
    return status.at("place").at("controller").at("leads") == true;
}

/// A site with two controllers, of which alpha leads, and the host web1.
struct Site {
    std::string prefix = store::new_prefix();
    Machine alpha, beta, web1;

    Site()
    {
        alpha.make_controller(store_of_site(prefix));
        REQUIRE(alpha.await_status(leads));
        join(alpha, beta, {{"name", "beta"}, {"role", "controller"}});
        beta.make_controller(store_of_site(prefix));
        // Its own link shows that it knows where the one that leads is.
        REQUIRE(beta.await_status(is_attached));
        join(alpha, web1, {{"name", "web1"}});
        REQUIRE(web1.await_status(is_attached));
    }

    static std::string change(Machine& controller, const std::string& text, int64_t timer_ms)
    {
        const Json planned =
            controller.ask("Plan", {{"procedure", "config.change"},
                                    {"arguments", {{"text", text}, {"file", "site.toml"}, {"mode", "merge"}}},
                                    {"timer_ms", timer_ms},
                                    {"keep", true}});
        REQUIRE(planned.at("refused") == false);
        const std::string id = planned.at("operation");
        for (const char* verb : {"add", "activate"}) {
            controller.ask("Request", {{"operation", id}, {"verb", verb}});
            controller.rest(id);
        }
        return id;
    }
};

TEST_CASE("when the controller that leads is killed another leads, hosts find it, and what it began goes on")
{
    Site site;
    CHECK(!leads(site.beta.status()));
    CHECK(site.beta.status().at("place").at("controller").at("leader").at("addresses") ==
          Json::array({site.alpha.status().at("place").at("controller").at("address")}));

    const std::string kept = Site::change(site.alpha, "[host.web1]\naddress = \"10.0.0.1\"\n", 3'600'000);
    CHECK(kept == "S1");
    site.alpha.ask("Request", {{"operation", kept}, {"verb", "commit"}});
    CHECK(site.alpha.rest(kept) == "committed");
    // Nobody confirms this one, and who began it is gone when its time is up.
    const std::string open = Site::change(site.alpha, "[host.web1]\naddress = \"10.0.0.2\"\n", 20'000);
    CHECK(site.alpha.ask("Show", {{"operation", open}}).at("state") == "activated");
    const auto stranger = site.beta.face().call("Request", {{"operation", open}, {"verb", "commit"}});
    REQUIRE(!stranger);
    CHECK(stranger.error().kind == ErrorKind::unavailable);

    kill(site.alpha.pid(), SIGKILL);
    site.alpha.stop();
    CHECK(site.beta.await_status(leads));
    CHECK(site.web1.await_status([&](const Json& status) {
        return is_attached(status) && status.at("place").at("link").at("controller") ==
                                          site.beta.status().at("place").at("controller").at("address");
    }));
    CHECK(site.beta.rest(open, false) == "aborted");
    const std::string text = site.beta.ask("ConfigShow").at("text");
    CHECK(text.find("10.0.0.1") != std::string::npos);
    CHECK(text.find("10.0.0.2") == std::string::npos);

    // The first one comes back, and stands by.
    CHECK(site.alpha.await_status(
        [](const Json& status) { return status.at("place").at("controller").at("leader").is_object(); }));
    CHECK(!leads(site.alpha.status()));
}

TEST_CASE("a controller that is told to end hands the lead over at once")
{
    Site site;
    const auto begun = std::chrono::steady_clock::now();
    site.alpha.stop();
    CHECK(site.beta.await_status(leads));
    // Far less than the lease lasts.
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(3));
}

TEST_CASE("a controller that slept does not lead any more when it wakes up, and changes nothing")
{
    Site site;
    const std::string open = Site::change(site.alpha, "[host.web1]\naddress = \"10.0.0.1\"\n", 3'600'000);
    kill(site.alpha.pid(), SIGSTOP);
    CHECK(site.beta.await_status(leads));
    kill(site.alpha.pid(), SIGCONT);
    const auto late = site.alpha.face().call("Request", {{"operation", open}, {"verb", "commit"}});
    CHECK(!late);
    CHECK(site.alpha.await_status(
        [](const Json& status) { return status.at("place").at("controller").at("leader").is_object(); }));
    CHECK(site.beta.ask("Show", {{"operation", open}}).at("state") == "activated");
}

}  // namespace
}  // namespace belay::daemon
