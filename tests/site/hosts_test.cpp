// A site of real hosts: daemons are killed, the power is cut, the link is cut both ways and one way.

#include "base/json.h"
#include "site.h"

#include <doctest/doctest.h>
#include <thread>

namespace belay {
namespace {

using namespace std::chrono_literals;

template <typename T>
T need(Result<T> result)
{
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what + result.error().output));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

constexpr size_t alpha = 0, web1 = 1, web2 = 2;

/// What the controller says of a host.
Json presence_of(lab::Site& site, size_t host)
{
    const host::Outcome listed = need(site.belay(alpha, {"host", "list", site.name(host), "--json"}));
    REQUIRE_MESSAGE(listed.exit_code == 0, listed.out);
    return parse_json(listed.out)->at("hosts")[0].at("presence");
}

Json link_of(lab::Site& site, size_t host)
{
    const host::Outcome status = need(site.belay(host, {"status", "--json"}));
    REQUIRE_MESSAGE(status.exit_code == 0, status.out);
    return parse_json(status.out)->at("place").at("link");
}

/// Waits until this holds; false after two minutes.
bool await_that(const std::function<bool()>& holds)
{
    const auto end = std::chrono::steady_clock::now() + 2min;
    while (std::chrono::steady_clock::now() < end) {
        if (holds()) return true;
        std::this_thread::sleep_for(100ms);
    }
    return false;
}

bool await_presence(lab::Site& site, size_t host, const std::string& state)
{
    return await_that([&] { return presence_of(site, host).at("state") == state; });
}

/// Its heartbeats stay away, or the connection was found dead, whichever comes first.
bool await_away(lab::Site& site, size_t host)
{
    return await_that([&] {
        const std::string state = presence_of(site, host).at("state");
        return state == "silent" || state == "gone";
    });
}

TEST_CASE("hosts of a site are seen as they are, whatever becomes of them, and come back by themselves")
{
    const lab::Folder folder = need(lab::Folder::make());
    lab::Site site = need(lab::Site::build(folder));
    need(site.enrol());
    // The controller is a host of its own site.
    CHECK(link_of(site, alpha).at("attached") == true);

    INFO("an agent is killed");
    need(site.kill_daemon(web1));
    CHECK(await_presence(site, web1, "gone"));
    need(site.start_daemon(web1));
    CHECK(await_presence(site, web1, "attached"));

    INFO("a host loses its power");
    const std::string boot = presence_of(site, web2).at("boot_id");
    site.power_cut(web2);
    CHECK(await_away(site, web2));
    need(site.boot(web2));
    need(site.start_daemon(web2));
    CHECK(await_presence(site, web2, "attached"));
    CHECK(presence_of(site, web2).at("boot_id") != boot);

    INFO("the controller is killed");
    need(site.kill_daemon(alpha));
    CHECK(await_that([&] { return link_of(site, web1).at("attached") == false; }));
    need(site.start_daemon(alpha));
    for (const size_t host : {alpha, web1, web2}) CHECK(await_presence(site, host, "attached"));

    INFO("the link of a host is cut both ways, and comes back");
    need(site.set_link(web1, false));
    CHECK(await_away(site, web1));
    CHECK(await_that([&] { return link_of(site, web1).at("attached") == false; }));
    need(site.set_link(web1, true));
    CHECK(await_presence(site, web1, "attached"));

    INFO("what a host is sent does not arrive, and what it sends does");
    need(site.run(alpha, {"ip", "route", "add", "blackhole", site.address(web1) + "/32"}));
    CHECK(await_that([&] { return link_of(site, web1).at("attached") == false; }));
    need(site.run(alpha, {"ip", "route", "del", "blackhole", site.address(web1) + "/32"}));
    CHECK(await_presence(site, web1, "attached"));

    INFO("what a host sends does not arrive, and what it is sent does");
    need(site.run(web1, {"ip", "route", "add", "blackhole", site.address(alpha) + "/32"}));
    CHECK(await_away(site, web1));
    need(site.run(web1, {"ip", "route", "del", "blackhole", site.address(alpha) + "/32"}));
    CHECK(await_presence(site, web1, "attached"));
    CHECK(await_that([&] { return link_of(site, web1).at("attached") == true; }));
}

}  // namespace
}  // namespace belay
