// What a real kernel and mdadm 4.2 said in the lab, of arrays in all sorts of states:
// recordings/md-reports.txt.

#include "base/testing/must.h"
#include "storage/parse/kinds.h"
#include "storage/testing/reports.h"

namespace belay::storage::parse::md_recorded_test {
namespace {

/// The reports by their names: "detail resync".
std::map<std::string, std::string> reports()
{
    return reports_in("md-reports.txt");
}

const Kind& kind_of(const std::string& name)
{
    const std::string word = name.substr(0, name.find(' '));
    return *kind_named(word == "mdstat" ? word : "mdadm-" + word);
}

Json parsed(const std::string& name)
{
    return must(parse_as(kind_of(name), reports().at(name)));
}

Json named(const Json& mdstat, std::string_view name)
{
    for (const Json& array : mdstat.at("arrays")) {
        if (array.at("name") == name) return array;
    }
    FAIL("no array " << name);
    return {};
}

TEST_CASE("recorded: every report of md is understood, and refused when it is cut")
{
    for (const auto& [name, text] : reports()) {
        CAPTURE(name);
        CHECK(must(parse_as(kind_of(name), text)).is_object());
        // The short forms are whole wherever a line ends.
        if (name.ends_with("scan") || name.ends_with("export")) continue;
        CHECK_FALSE(parse_as(kind_of(name), std::string_view(text).substr(0, text.size() / 2)));
    }
}

TEST_CASE("recorded: a mirror that syncs, and one that recovers onto its spare")
{
    const Json resync = named(parsed("mdstat resync"), "md0");
    CHECK(resync["sync"]["action"] == "resync");
    CHECK(resync["sync"]["percent"] == 3.1);
    CHECK(resync["bitmap"]["chunk"] == 64 << 20);
    const Json detail = parsed("detail recovery")["arrays"][0];
    CHECK(detail["state"] == Json{"clean", "degraded", "recovering"});
    CHECK(detail["sync"] == Json{{"action", "rebuild"}, {"percent", 3}});
    CHECK(detail["devices"][1]["state"] == Json{"spare", "rebuilding"});
    CHECK(detail["devices"][1]["slot"] == 1);
    CHECK(detail["devices"][2]["state"] == Json{"faulty"});
    const Json spare = parsed("examine recovery")["devices"][0];
    CHECK(spare["recovery_offset"] == 0);
    CHECK(spare["slot"] == 1);
    CHECK(parsed("detail degraded")["arrays"][0]["devices"][1]["state"] == Json{"removed"});
}

TEST_CASE("recorded: a raid5 that reshapes from three legs to four")
{
    const Json mdstat = parsed("mdstat reshape");
    CHECK(named(mdstat, "md5")["sync"]["action"] == "reshape");
    CHECK(named(mdstat, "md10")["layout"] == "2 far-copies");
    const Json detail = parsed("detail reshape")["arrays"][0];
    CHECK(detail["delta_devices"] == 1);
    CHECK(detail["sync"]["action"] == "reshape");
    const Json member = parsed("examine reshape")["devices"][0];
    CHECK(member["delta_devices"] == 1);
    CHECK(member["reshape_position"] == 0);
    CHECK(member["array_size"] == 3ull * 65011712);
    CHECK(parsed("detail two")["arrays"].size() == 2);
}

TEST_CASE("recorded: a journal, a replacement, metadata 0.90, an inactive array, and a container")
{
    CHECK(parsed("detail journal")["arrays"][0]["devices"][3]["state"] == Json{"journal"});
    CHECK(parsed("examine journal")["devices"][0]["role"] == "journal");
    const Json replacing = parsed("examine replace")["devices"][0];
    CHECK(replacing["role"] == "replacement");
    CHECK(replacing["array_state"] == Json{"replacing", "active"});
    CHECK(named(parsed("mdstat replace"), "md1")["members"][0]["replacement"] == true);
    const Json old = parsed("examine old")["devices"][0];
    CHECK(old["version"] == "0.90.00");
    CHECK(old["used_dev_size"] == 67043328);
    CHECK(old["devices"][3]["state"] == Json{"faulty", "removed"});
    CHECK(parsed("detail old")["arrays"][0]["used_dev_size"] == 67043328);
    CHECK(parsed("detail inactive")["arrays"][0]["state"] == Json{"inactive"});
    CHECK(named(parsed("mdstat inactive"), "md1")["state"] == "inactive");
    CHECK(named(parsed("mdstat ddf"), "md127")["metadata"] == "ddf");
    CHECK(parsed("examine ddf")["devices"][0]["disks"].size() == 3);
    CHECK(parsed("examine gpt")["devices"][0]["partitions"][0]["type"] == "ee");
    CHECK_FALSE(parsed("detail zero")["arrays"][0].contains("layout"));
}

TEST_CASE("recorded: the short forms of mdadm")
{
    const Json scan = parsed("examine scan")["scanned"];
    REQUIRE(scan.size() == 2);
    CHECK(scan[0]["level"] == "raid10");
    CHECK(scan[0]["devices"].size() == 4);
    CHECK(scan[1]["name"] == "host1:five");
    CHECK(parsed("detail export")["exported"]["MD_DEVICE_dev_ubdf_ROLE"] == "2");
}

}  // namespace
}  // namespace belay::storage::parse::md_recorded_test
