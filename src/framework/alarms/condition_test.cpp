// What of the configuration becomes conditions, and what of it is refused.

#include "framework/alarms/condition.h"

#include "framework/alarms/predefined.h"
#include "framework/configuration/endpoint.h"
#include "framework/configuration/testing/sample.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

namespace belay::framework::alarms {
namespace {

using configuration::all_problems;
using configuration::change_of;
using configuration::check_mail_address;
using configuration::check_url;
using configuration::Endpoint;
using configuration::is_oid;
using configuration::KeyFolder;
using configuration::KeyRing;
using configuration::parse_endpoint;
using configuration::sample_site;
using configuration::site_of;

const Condition& named(const std::vector<Condition>& all, const std::string& name)
{
    const auto found = std::ranges::find(all, name, &Condition::name);
    REQUIRE(found != all.end());
    return *found;
}

TEST_CASE("where nothing is configured there are the ten predefined ones, and those of hosts' thresholds")
{
    const auto all = conditions_of(site_of(sample_site));
    CHECK(all.size() == 13);
    CHECK(std::ranges::all_of(all, &Condition::is_predefined));
    CHECK(std::ranges::all_of(all, [](const Condition& one) { return is_predefined(one.name); }));
    CHECK(named(all, "host-unavailable").clear_event == std::optional(events::host_available));
    CHECK(named(all, "host-unavailable").clear_after == std::chrono::hours(48));
}

TEST_CASE("an alarm of a predefined name says more of it, and a disabled one is muted")
{
    const auto all = conditions_of(site_of(sample_site + R"(
[script.page]
kind = "command"
command = ["/usr/local/bin/page"]

[alarm.host-unavailable]
severity = "minor"
reactions = ["page"]

[alarm.connection-lost]
severity = "minor"
detect = { hosts = ["h2"] }
disabled = true
)"));
    const Condition& unavailable = named(all, "host-unavailable");
    CHECK(unavailable.severity == Severity::minor);
    CHECK(unavailable.reactions.size() == 1);
    CHECK(std::get<EventCount>(unavailable.detect).id == events::host_unavailable);
    CHECK_FALSE(unavailable.description.empty());
    CHECK(named(all, "connection-lost").is_muted);
    CHECK(named(all, "connection-lost").selection.fits("h2", ""));
    CHECK_FALSE(named(all, "connection-lost").selection.fits("h1", ""));
}

TEST_CASE("what of an alarm, a reaction or a relay makes no sense is said with its place")
{
    const KeyFolder folder;
    const KeyRing keys = must(KeyRing::open(folder.file()));
    const auto imported = change_of(site_of(sample_site), R"(
[snmp.s]
version = "3"

[alarm.nothing]
severity = "minor"
detect = { count = 2 }

[alarm.two]
severity = "minor"
detect = { event = "01-00012", storage = "md.degraded" }

[alarm.id]
severity = "minor"
detect = { event = "1", missing_for = "1m", count = 3 }
clear = { event = "x" }

[alarm.disk]
severity = "minor"
detect = { figure = "disk", rising = 900, falling = 950, applications = ["stat server"] }

[alarm.variable]
severity = "minor"
detect = { variable = "1.3.x", at = "there", hosts = ["h1"] }

[script.mail]
kind = "mail"
to = ["a@example.org\r\nRCPT TO:<b@example.org>", "Anna <anna@example.org>"]
relay = "r"

[script.hook]
kind = "webhook"
url = "http://example.org/"
token = "hunter2"

[relay.r]
server = "mail.example.org"
from = "me"
tls = "none"
account = "belay"
password = "hunter2"
)",
                                    configuration::Mode::merge, &keys);
    CHECK(all_problems(imported) ==
          R"GOLDEN(site.toml:2:7: error: snmp "s" needs "user": The name of the user.
site.toml:2:7: error: snmp "s" needs "authentication_password": By which it is proved.
site.toml:7:10: error: alarm "nothing" detects nothing: write one of event, storage, figure, variable
site.toml:11:10: error: alarm "two" detects event and storage at the same time: write an alarm for each
site.toml:15:20: error: "1" is no event id, which has the form NN-NNNNN, as 20-00010
site.toml:15:53: error: "count" says nothing beside "missing_for"
site.toml:16:19: error: "x" is no event id, which has the form NN-NNNNN, as 20-00010
site.toml:20:38: error: "rising" is 900, and 1 % to 100 % is possible
site.toml:20:53: error: "falling" is 950, and less than 900 is wanted, at which it is raised
site.toml:20:73: error: "applications" says nothing beside "figure"
site.toml:24:10: error: alarm "variable" watches a variable, and needs "rising": from what on it is raised
site.toml:24:10: error: alarm "variable" watches a variable, and needs "account": as whom its agent is asked
site.toml:24:23: error: "variable" is "1.3.x", and numbers with dots are wanted: write "1.3.6.1.2.1.25.1.5.0"
site.toml:24:37: error: "there" is no address: write HOST:PORT, as "192.0.2.7:161"
site.toml:24:54: error: "hosts" says nothing beside "variable"
site.toml:28:6: error: "a@example.org??RCPT TO:<b@example.org>" is no mail address: write it alone, as "anna@example.org"
site.toml:28:6: error: "Anna <anna@example.org>" is no mail address: write it alone, as "anna@example.org"
site.toml:33:7: error: "http://example.org/" would send the token in the clear: write https://
site.toml:37:10: error: "mail.example.org" is no address: write HOST:PORT, as "192.0.2.7:161"
site.toml:38:8: error: "me" is no mail address: write it alone, as "anna@example.org"
site.toml:39:7: error: relay "r" would send its password in the clear: let tls be starttls or tls
)GOLDEN");
}

TEST_CASE("an address has a host and a port")
{
    CHECK(must(parse_endpoint("mail.example.org:587")) == Endpoint{.host = "mail.example.org", .port = 587});
    CHECK(must(parse_endpoint("[2001:db8::1]:161")) == Endpoint{.host = "2001:db8::1", .port = 161});
    for (const char* text : {"", ":", ":1", "a", "a:", "a:0", "a:65536", "a:1x", "a b:1", "-a:1", "a..b:1",
                             "[]:1", "2001:db8::1:161", "[a]:1", "a\n:1", "a:1\n", "[::1:1"}) {
        INFO(text);
        CHECK(parse_endpoint(text).error().kind == ErrorKind::usage);
    }
}

TEST_CASE("an SNMP variable is numbers with dots")
{
    for (const char* text : {"1.3", "0.0", "1.3.6.1.2.1.25.1.5.0", "2.999.4294967295"}) CHECK(is_oid(text));
    for (const char* text :
         {"", "1", "3.1", ".1.3", "1.3.", "1..3", "1.3.4294967296", "1.3.x", "1.-3", "1.3 "}) {
        INFO(text);
        CHECK_FALSE(is_oid(text));
    }
    std::string longest = "1";
    for (int i = 1; i < 128; ++i) longest += ".1";
    CHECK(is_oid(longest));
    CHECK_FALSE(is_oid(longest + ".1"));
}

TEST_CASE("a mail address stands alone, and nothing can follow it")
{
    for (const char* text : {"anna@example.org", "a.b+c@h", "o'neil@mail.example.org"})
        CHECK(check_mail_address(text));
    for (const char* text :
         {"", "@", "a@", "@b", "a", "a@b\r\n", "a\n@b", "a b@c", "<a@b>", "a@b>", "a@b,c@d", "\"a b\"@c",
          ".a@b", "a.@b", "a..b@c", "a@-b", "a@b@c", "\xc3\xa4@b"}) {
        INFO(text);
        CHECK_FALSE(check_mail_address(text));
    }
    CHECK_FALSE(check_mail_address(std::string(65, 'a') + "@b"));
}

TEST_CASE("a webhook is posted by https where a token goes along, and names nobody's password")
{
    CHECK(check_url("https://example.org/hook?x=1", true));
    CHECK(check_url("http://127.0.0.1:8080", false));
    CHECK_FALSE(check_url("http://127.0.0.1:8080", true));
    for (const char* text : {"", "https://", "https:///x", "file:///etc/passwd", "https://a:b@example.org/",
                             "https://example.org/ x", "https://example.org/\r\nHost: x", "gopher://x",
                             "https://exa\\mple.org/"}) {
        INFO(text);
        CHECK_FALSE(check_url(text, false));
    }
}

TEST_CASE("docs/alarms.md has the predefined alarms as they are in the code")
{
    const std::string path = std::string(BELAY_DOCS) + "/alarms.md";
    std::stringstream read;
    read << std::ifstream(path).rdbuf();
    std::string text = read.str();
    const std::string begin = "<!-- tables: begin -->\n", end = "<!-- tables: end -->";
    const size_t from = text.find(begin), to = text.find(end);
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    const std::string wanted = predefined_in_markdown();
    // To write it anew: BELAY_WRITE_DOCS=1 test_framework -tc="docs/*".
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (std::getenv("BELAY_WRITE_DOCS") != nullptr) {
        text.replace(from + begin.size(), to - from - begin.size(), wanted);
        std::ofstream(path) << text;
    } else {
        CHECK_MESSAGE(text.substr(from + begin.size(), to - from - begin.size()) == wanted,
                      "write them anew: BELAY_WRITE_DOCS=1 test_framework -tc=\"docs/*\"");
    }
}

}  // namespace
}  // namespace belay::framework::alarms
