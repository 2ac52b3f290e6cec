#include "framework/configuration/change.h"
#include "framework/configuration/testing/sample.h"

namespace belay::framework::configuration {
namespace {

TEST_CASE("a backup has what is set on its primary, but for host, ports and program")
{
    const Configuration site = site_of(sample_site);
    const Object& backup = *site.find("application", "stat server b");
    const Object is = effective(site, backup);
    CHECK(is.value("shutdown_timeout") == 20'000);
    CHECK(is.value("options.log.level") == "debug");
    CHECK(is.attributes.contains("connections"));
    CHECK(is.value("host") == backup.value("host"));
    CHECK(is.value("command") == backup.value("command"));
    CHECK(backup.value("shutdown_timeout") == 30'000);
}

TEST_CASE("a declared option has its standard value where none is set")
{
    const Configuration site = site_of(sample_site);
    const Imported imported = change_of(site, "[application.\"stat server\"]\nunset = [\"options\"]\n");
    const Object is = effective(imported.wanted, *imported.wanted.find("application", "stat server b"));
    CHECK(is.value("options.log.level") == "standard");
}

TEST_CASE("a change of a template restarts or spares those that use it, by what it declares")
{
    const Configuration site = site_of(sample_site);
    const auto lines = [&](const std::string& text) {
        const Imported imported = change_of(site, text);
        REQUIRE(all_problems(imported) == "");
        std::vector<std::string> told;
        for (const std::string& line : change_lines(describe(site, imported.delta))) {
            if (line.starts_with('!')) told.push_back(line);
        }
        return told;
    };
    const std::string declared =
        "[template.stat]\noptions = [{ section = \"log\", name = \"level\", effect = \"at once\", "
        "standard = \"debug\" }";
    CHECK(lines(declared + "]\n").empty());
    CHECK(lines(declared + ", { section = \"x\", name = \"y\", standard = \"1\" }]\n") ==
          std::vector<std::string>{"! application \"stat server\" has to restart: options.x.y",
                                   "! application \"stat server b\" has to restart: options.x.y"});
    CHECK(lines("[host.h1]\naddress = \"10.0.0.11\"\n") ==
          std::vector<std::string>{
              "! application \"stat server\" reconnects: application \"config server\" is reached elsewhere",
              "! application \"stat server b\" reconnects: application \"config server\" is reached "
              "elsewhere"});
    CHECK(lines("[host.h2]\nmaintenance = true\n").empty());
}

TEST_CASE("a change as JSON says each attribute with its effect")
{
    const Configuration site = site_of(sample_site);
    const Imported imported =
        change_of(site, "[application.\"config server\"]\nversion = \"2\"\n[host.h9]\naddress = \"x\"\n");
    const Json json = describe(site, imported.delta);
    CHECK(json.at("objects").size() == 2);
    CHECK(json.at("objects")[0].at("what") == "created");
    CHECK(json.at("objects")[0].at("id").is_null());
    CHECK(json.at("objects")[1].at("attributes") == Json::array({{{"attribute", "version"},
                                                                  {"before", nullptr},
                                                                  {"after", "\"2\""},
                                                                  {"effect", "after restart"}}}));
    CHECK(json.at("consequences") ==
          Json::array({{{"application", "config server"}, {"effect", "after restart"}, {"why", "version"}}}));
}

}  // namespace
}  // namespace belay::framework::configuration
