// Who must not come in does not, learns why, and holds up nobody: what has ended, and what belongs elsewhere.

#include "daemon/network/testing/machine.h"
#include "site/identity/authority.h"
#include "site/identity/membership_file.h"
#include "site/remote/controller/controller.h"
#include "site/remote/invitation.h"
#include "store/sqlite.h"

namespace belay::daemon {
namespace {

using namespace testing;
using namespace std::chrono_literals;

Milliseconds wall_of_test()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

site::Membership membership_of(const Machine& machine)
{
    std::optional<site::Membership> membership = need(site::MembershipFile(machine.state()).read());
    REQUIRE(membership);
    return *std::move(membership);
}

/// The authority of the site whose controller this is.
site::Authority authority_of(const Machine& controller)
{
    const Json file = need(parse_json(text_of_file(controller.state() + "/site/authority.json")));
    return need(site::Authority::open(file.at("certificate"), file.at("key")));
}

/// Takes back a machine's certificate, as if it had been made so long ago. Its daemon does not run.
site::Certificate age_certificate(const Machine& machine, const site::Authority& authority, Milliseconds age)
{
    site::Membership membership = membership_of(machine);
    site::Certificate certificate =
        need(authority.issue(need(site::make_request(membership.key_pem)), membership.identity,
                             wall_of_test() - age, site::Controller::certificate_lasts));
    membership.certificate_pem = certificate.pem;
    need(site::MembershipFile(machine.state()).write(membership));
    return certificate;
}

bool is_refused(const Json& status)
{
    const Json& link = status.at("place").at("link");
    return link.at("attached") == false && link.at("problem").is_object() &&
           link.at("problem").at("kind") == "permission";
}

std::string audit_trail(Machine& controller)
{
    const Ran trail = controller.belay({"history", "--audit"});
    CHECK(trail.code == 0);
    return trail.out;
}

/// A controller with the hosts web1 and web2.
struct SafeSite {
    Machine controller, web1, web2;

    SafeSite()
    {
        controller.make_controller();
        join(controller, web1, {{"name", "web1"}});
        join(controller, web2, {{"name", "web2"}});
        REQUIRE(web1.await_status(is_attached));
        REQUIRE(web2.await_status(is_attached));
        controller.keep_address();
    }

    /// Works on the store of the controller, which is away meanwhile.
    void with_store(const std::function<void(store::Store&)>& work)
    {
        controller.stop();
        work(*need(store::open_sqlite(controller.state() + "/belay.db")));
        controller.face();
    }
};

TEST_CASE("a host whose certificate has ended is refused by name, says why, and comes back by an invitation")
{
    SafeSite site;
    site.web1.stop();
    age_certificate(site.web1, authority_of(site.controller), site::Controller::certificate_lasts + 24h);
    REQUIRE(site.web1.await_status(is_refused));
    const Ran status = site.web1.belay({"status"});
    CHECK_MESSAGE(contains(status.out, "the certificate of the agent 1 has expired"), status.said);
    CHECK_MESSAGE(contains(status.out, "next: belay host invite"), status.said);
    const std::string trail = audit_trail(site.controller);
    CHECK_MESSAGE(contains(trail, "the certificate of the agent 1 has expired"), trail);
    CHECK_MESSAGE(contains(trail, "127.0.0.1:"), trail);

    // Nobody else has noticed.
    CHECK(is_attached(site.web2.status()));
    const Json presence = site.controller.ask("HostList", {{"host", "web2"}}).at("hosts")[0].at("presence");
    CHECK(presence.at("state") == "attached");

    // Under the name that it had.
    CHECK(site.controller.belay({"host", "revoke", "web1", "--yes"}).code == 0);
    CHECK(site.web1.belayd({"leave"}).code == 0);
    site.web1.stop();
    join(site.controller, site.web1, {{"name", "web1"}});
    CHECK(site.web1.await_status(is_attached));
}

TEST_CASE("a host renews a certificate that is about to end by itself, and at once where a person asks")
{
    SafeSite site;
    site.web1.stop();
    const site::Certificate old = age_certificate(site.web1, authority_of(site.controller),
                                                  site::Controller::certificate_lasts * 3 / 4);
    site.with_store([&](store::Store& store) { need(site::Registry(store).give_next("1", old)); });
    const std::string key = membership_of(site.web1).key_pem;
    CHECK(site.web1.await_status([&](const Json& status) {
        return is_attached(status) &&
               status.at("place").at("link").at("certificate_ends_ms") > old.not_after.count();
    }));
    const std::string newer = membership_of(site.web1).key_pem;
    CHECK(newer != key);

    const Ran asked =
        site.controller.belay({"host", "renew", "web1", "--why", "a laptop was lost", "--json"});
    CHECK_MESSAGE(asked.code == 0, asked.said);
    CHECK(need(parse_json(asked.out)).at("host").at("name") == "web1");
    CHECK(site.web1.await_status([&](const Json& status) {
        return is_attached(status) && membership_of(site.web1).key_pem != newer;
    }));
    CHECK(contains(audit_trail(site.controller), "a laptop was lost"));
}

TEST_CASE("a controller's own papers outlive those of hosts: it may run for years and is never renewed")
{
    Machine controller;
    controller.make_controller();
    const std::string address = controller.status().at("place").at("controller").at("address");
    const Ran shown = run_to_end({"/usr/bin/openssl", "s_client", "-connect", address, "-alpn", "h2"});
    const site::Certificate papers = need(site::read_certificate(shown.out));
    CHECK(papers.identity.role == site::Role::controller);
    CHECK(papers.not_after - wall_of_test() > site::Controller::certificate_lasts * 10);
}

TEST_CASE("an invitation whose time is over is refused, and the controller knows why")
{
    SafeSite site;
    const std::string word = site.controller.ask("HostInvite", {{"name", "late"}}).at("word");
    const std::string key = fmt::format("site/invitation/{:08}", need(site::read_invitation(word)).number);
    site.with_store([&](store::Store& store) {
        const std::optional<store::Entry> entry = need(store.get(key));
        REQUIRE(entry);
        Json invitation = need(parse_json(entry->value));
        invitation["expires_ms"] = wall_of_test().count() - 1;
        need(store.commit({.when = {}, .then = {{.key = key, .value = json_text(invitation)}}}));
    });
    const Machine late;
    const Ran joined = late.belayd({"join", "-"}, word + "\n");
    CHECK(joined.code == 1);
    CHECK_MESSAGE(contains(joined.said, "this invitation is not good, or no longer"), joined.said);
    CHECK_MESSAGE(contains(joined.said, "belay host invite"), joined.said);
    CHECK(contains(audit_trail(site.controller), "has expired"));
}

TEST_CASE("a member of another site gets in neither by its own papers nor by what it knows of this one")
{
    SafeSite site;
    Machine elsewhere, spy;
    elsewhere.make_controller();
    join(elsewhere, spy, {{"name", "web1"}});

    INFO("a host that is pointed at the controller of another site");
    site::Membership misled = membership_of(site.web2);
    misled.controllers = {elsewhere.status().at("place").at("controller").at("address")};
    site.web2.stop();
    need(site::MembershipFile(site.web2.state()).write(misled));
    CHECK(site.web2.await_status(
        [](const Json& status) { return status.at("place").at("link").at("problem").is_object(); }));
    const Ran status = site.web2.belay({"status"});
    CHECK_MESSAGE(contains(status.out, "not attached since"), status.said);
    CHECK_MESSAGE(contains(status.out, "has no certificate of this site that is good now"), status.said);
    CHECK(elsewhere.ask("HostList").at("hosts")[0].at("presence").at("state") == "never");

    INFO("one of another site, with what everybody may know of this one");
    const site::Membership good = membership_of(site.web1);
    site::Membership forged = membership_of(spy);
    forged.identity = good.identity;
    forged.authority_pem = good.authority_pem;
    forged.controllers = good.controllers;
    need(site::MembershipFile(spy.state()).write(forged));
    CHECK(spy.await_status(is_refused));
    CHECK_MESSAGE(
        contains(audit_trail(site.controller), "the certificate was not made by the authority of this site"),
        audit_trail(site.controller));
    CHECK(is_attached(site.web1.status()));
}

}  // namespace
}  // namespace belay::daemon
