#include "framework/configuration/checks.h"

#include "framework/configuration/testing/sample.h"

namespace belay::framework::configuration {
namespace {

std::string said(const Configuration& site, const std::string& text)
{
    return all_problems(change_of(site, text));
}

TEST_CASE("the sample has nothing wrong with it")
{
    const Configuration site = site_of(sample_site);
    CHECK(check(site).empty());
    for (const auto& [id, object] : site.objects()) CHECK(fits(*object));
}

TEST_CASE("a cycle of prerequisites is printed, also one that goes by way of a pair")
{
    const Configuration site = site_of(sample_site);
    CHECK(said(site, R"([application."config server"]
prerequisites = [{ kind = "application", application = "stat server" }]
)") == "site.toml:2:17: error: these applications wait for each other, so none of them could start: "
       "\"config server\" -> \"stat server\" -> \"config server\"\n");
    // The backup has the prerequisites of its primary.
    CHECK(said(site, R"([application."config server"]
prerequisites = [{ kind = "application", application = "stat server b" }]
)")
              .contains("\"config server\" -> \"stat server b\" -> \"config server\""));
    CHECK(said(site, R"([application."config server"]
prerequisites = [{ kind = "application", application = "config server" }]
)")
              .contains("refers to itself"));
}

TEST_CASE("a chain of prerequisites as long as the site is no matter")
{
    std::string text = "[host.h]\naddress = \"h\"\n";
    constexpr int length = 5000;
    for (int i = 0; i < length; ++i) {
        text += fmt::format("[application.a{}]\nhost = \"h\"\ncommand = [\"/a\"]\n", i);
        if (i > 0)
            text +=
                fmt::format("prerequisites = [{{ kind = \"application\", application = \"a{}\" }}]\n", i - 1);
    }
    const Configuration site = site_of(text);
    CHECK(site.size() == length + 1);
    const std::string closed =
        said(site, fmt::format("[application.a0]\nprerequisites = [{{ kind = \"application\", "
                               "application = \"a{}\" }}]\n",
                               length - 1));
    CHECK(std::ranges::count(closed, '\n') == 1);
    CHECK(closed.contains("\"a0\" -> \"a4999\""));
}

TEST_CASE("a port is used once on a host, unless on two addresses, by two protocols, or by who is disabled")
{
    const Configuration site = site_of(sample_site);
    const auto with_port = [&](const std::string& port, const std::string& more = "") {
        return said(
            site,
            fmt::format("[application.other]\nhost = \"h1\"\ncommand = [\"/x\"]\n{}ports = [{{ name = \"a\", "
                        "port = 2020{} }}]\n",
                        more, port));
    };
    CHECK(with_port("") ==
          "site.toml:4:31: error: port 2020 of host \"h1\" is used twice, by \"config server\" and "
          "\"other\"\n");
    CHECK(with_port(", protocol = \"udp\"") == "");
    CHECK(with_port(", address = \"10.0.0.7\"").contains("used twice"));
    CHECK(with_port("", "disabled = true\n") == "");
}

TEST_CASE("the two of a pair may have one port of a host together, where it is held for both")
{
    const auto both = [](const std::string& of_one, const std::string& of_other) {
        const auto application = [](const std::string& name, const std::string& port) {
            return fmt::format(
                "[application.{}]\nhost = \"h\"\ncommand = [\"/x\"]\norders = {{ kind = "
                "\"pipe\" }}\nports = [{{ name = \"web\", port = 80{} }}]\n",
                name, port);
        };
        return "[host.h]\naddress = \"h\"\n" + application("one", of_one) + application("other", of_other);
    };
    const std::string pair = "[pair.web]\nprimary = \"one\"\nbackup = \"other\"\n";
    const std::string held = ", held = true, nonblocking = true";
    const Configuration empty;
    CHECK_FALSE(said(empty, both(held, held) + pair).contains("used twice"));
    CHECK(said(empty, both(held, held)).contains("port 80 of host \"h\" is used twice"));
    CHECK(said(empty, both(held, "") + pair).contains("used twice"));
    CHECK(said(empty, both("", "") + pair).contains("used twice"));
    CHECK(said(empty, both(held, ", held = true") + pair).contains("used twice"));
    CHECK(said(empty, both(held, held + ", address = \"10.0.0.1\"") + pair).contains("used twice"));
    const std::string third =
        "[application.third]\nhost = \"h\"\ncommand = [\"/x\"]\nports = [{ name = "
        "\"web\", port = 80, held = true, nonblocking = true }]\n";
    CHECK(said(empty, both(held, held) + pair + third).contains("used twice"));
    // They were a pair until now.
    const Configuration site = site_of(both(held, held) + pair);
    CHECK(said(site, "[pair.web]\ndisabled = true\n").contains("used twice"));
}

TEST_CASE("an application is in one pair, and a pair on one host is worth a warning")
{
    const Configuration site = site_of(sample_site);
    CHECK(said(site, "[pair.other]\nprimary = \"config server\"\nbackup = \"stat server b\"\n")
              .contains("site.toml:3:10: error: application \"stat server b\" is in two pairs, \"stat\" and "
                        "\"other\"\n"));
    CHECK(said(site, "[application.\"stat server b\"]\nhost = \"h1\"\n") ==
          "site.toml:1:14: warning: both applications of pair \"stat\" are on one host: when it is lost, so "
          "are both\n");
    CHECK(said(site, "[application.\"stat server b\"]\nshutdown_timeout = \"1s\"\n") ==
          "site.toml:2:20: warning: \"shutdown_timeout\" of application \"stat server b\" is not used: a "
          "backup has what "
          "is set on its primary, \"stat server\"\n");
}

TEST_CASE(
    "an option that its template declares is held against it; a template is held against those that use it")
{
    const Configuration site = site_of(sample_site);
    CHECK(said(site, "[application.\"stat server\"]\noptions = { log = { level = \"loud\" } }\n") ==
          "site.toml:2:21: error: the option log.level of application \"stat server\" is \"loud\", and one "
          "of standard, "
          "debug is wanted\n");
    CHECK(said(site, R"([template.stat]
options = [{ section = "log", name = "level", kind = "number" }]
)")
              .contains("error: the option log.level of application \"stat server\" is \"debug\", and a "
                        "whole number"));
}

TEST_CASE("what is kept and does not fit the schema is told as such")
{
    Object host{.id = 1, .type = "host", .name = "h", .attributes = {{"address", "x"}}};
    CHECK(fits(host));
    host.attributes["address"] = 3;
    CHECK(fits(host).error().kind == ErrorKind::corrupt);
    host.attributes = {{"newer", 1}};
    CHECK(fits(host).error().kind == ErrorKind::version);
    host.type = "ghost";
    CHECK(fits(host).error().kind == ErrorKind::version);
    const Object half{.id = 1,
                      .type = "template",
                      .name = "t",
                      .attributes = {{"options", Json::array({{{"section", "log"}}})}}};
    CHECK(fits(half).error().kind == ErrorKind::corrupt);
    CHECK(object_from(1, "host", Json::array()).error().kind == ErrorKind::corrupt);
    CHECK(delta_from({{"x", 1}}).error().kind == ErrorKind::corrupt);
    CHECK(unpack({{"packed", "QUJD"}}).error().kind == ErrorKind::corrupt);
}

}  // namespace
}  // namespace belay::framework::configuration
