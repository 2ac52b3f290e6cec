// What the survey, the graph and the findings make of real hosts with OpenZFS 2.1, recorded by lab/qemu/zfs:
// pools of every kind, sound; the same in trouble; and while that is being mended.

#include "base/json.h"
#include "base/testing/must.h"
#include "host/recorded.h"
#include "storage/health.h"
#include "storage/survey.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace belay::storage::zfs_host_test {
namespace {

using Texts = std::vector<std::string>;

Survey survey_of(const std::string& scene)
{
    std::ifstream file(fmt::format("{}/zfs-{}-host.jsonl", BELAY_RECORDINGS, scene));
    std::stringstream text;
    text << file.rdbuf();
    Survey survey = must(read_survey(*must(host::recorded_host(text.str())), Depth::health));
    CHECK(survey.not_looked.empty());
    CHECK(survey.pools_known);
    return survey;
}

Json node(const Json& graph, const std::string& id)
{
    for (const Json& one : graph.at("nodes")) {
        if (one.at("id") == id) return one;
    }
    FAIL("no node ", id);
    return {};
}

/// "severity code object" of each finding.
Texts told(const Survey& survey)
{
    Texts texts;
    for (const HealthFinding& finding : health_of(survey))
        texts.push_back(fmt::format("{} {} {}", name_of(finding.severity), finding.code, finding.shown));
    return texts;
}

const HealthFinding& finding(const std::vector<HealthFinding>& findings, std::string_view code,
                             std::string_view shown)
{
    const auto found = std::ranges::find_if(
        findings, [&](const HealthFinding& one) { return one.code == code && one.shown == shown; });
    REQUIRE(found != findings.end());
    return *found;
}

}  // namespace

TEST_CASE("a host with OpenZFS: log, cache and spare, datasets, zvols and what is on them, a pool exported")
{
    const Survey survey = survey_of("sound");
    REQUIRE(survey.pools.size() == 3);
    const Pool& tank = survey.pools.at(2);
    CHECK(tank.row.name == "tank");
    CHECK(tank.devices.size() == 6);
    CHECK(tank.row.size == uint64_t{176} << 20);
    CHECK(tank.volumes.size() == 3);

    const Json graph = graph_of(survey);
    CHECK(node(graph, "dataset:tank/home").at("children") ==
          Json{"mount:/tank/home", "dataset:tank/home/jan"});
    CHECK(node(graph, "dataset:tank/archive").at("children") == Json{"mount:/srv/archive"});
    // Nothing is mounted of what only holds others.
    CHECK(node(graph, "dataset:tank/guests").at("children") ==
          Json{"dataset:tank/guests/disk", "dataset:tank/guests/swap", "dataset:tank/guests/web"});
    const Json web = node(graph, "dataset:tank/guests/web");
    CHECK(web.at("size") == 64 << 20);
    const std::string device = web.at("device");
    CHECK(web.at("children") == Json{"filesystem:" + device});
    CHECK(node(graph, "filesystem:" + device).at("children") == Json{"mount:/srv/web"});
    CHECK(node(graph, "dataset:tank/guests/disk").at("children").size() == 2);
    // Of a raidz the pool counts the parity as room, its dataset does not.
    const Json deep = node(graph, "pool:deep");
    CHECK(deep.at("available") < deep.at("free"));
    CHECK(!deep.contains("missing"));
    for (const Json& root : graph.at("roots")) CHECK_FALSE(root.get<std::string>().starts_with("disk:zd"));

    const std::vector<PoolAway> away = pools_away(survey);
    REQUIRE(away.size() == 1);
    CHECK(away[0].name == "away");
    // The two legs and the log say whose they are; a cache and a spare do not.
    CHECK(away[0].devices.size() == 3);
    // A zvol is no disk that lacks a name.
    CHECK(told(survey) == Texts{"warning zfs.not-imported pool away"});
    CHECK(health_report(survey).at("looked_at").at("disks") == survey.inventory.disks.size() - 3);
}

TEST_CASE("a host with OpenZFS in trouble: a leg offline, a disk pulled, one written over")
{
    const Survey survey = survey_of("troubled");
    CHECK(told(survey) ==
          Texts{"critical zfs.pool-not-online pool deep", "critical zfs.vdev-not-online pool deep",
                "critical zfs.data-errors pool lone", "critical zfs.pool-not-online pool tank",
                "critical zfs.vdev-not-online pool tank", "warning zfs.vdev-errors pool lone",
                "warning zfs.scan-errors pool lone", "warning zfs.vdev-errors pool tank",
                "warning zfs.not-imported pool away"});
    const std::vector<HealthFinding> findings = health_of(survey);
    CHECK(finding(findings, "zfs.vdev-not-online", "pool tank").mend.starts_with("zpool online tank /dev/"));
    CHECK(finding(findings, "zfs.vdev-not-online", "pool deep").mend.find("when the disk is back") !=
          std::string::npos);
    CHECK(finding(findings, "zfs.pool-not-online", "pool tank").found ==
          "the pool is DEGRADED: One or more devices has experienced an unrecoverable error. An attempt was "
          "made to correct the error. Applications are unaffected.");
    CHECK(finding(findings, "zfs.data-errors", "pool lone").found == "1 file or object is damaged");

    const Json graph = graph_of(survey);
    const Json parity = node(graph, "vdev:deep/raidz1-0");
    CHECK(parity.at("active") == 2);
    REQUIRE(parity.at("missing").size() == 1);
    CHECK(parity.at("missing")[0].at("state") == "REMOVED");
    // The leg that is offline is there.
    CHECK(!node(graph, "vdev:tank/mirror-0").contains("missing"));
    CHECK(node(graph, "pool:lone").at("data_errors") == 1);
}

TEST_CASE("a host with OpenZFS at work: a spare that stepped in, a disk that is being replaced, a scrub")
{
    const Survey survey = survey_of("busy");
    const Json graph = graph_of(survey);
    CHECK(node(graph, "vdev:tank/mirror-0/spare-1").at("wanted") == 2);
    CHECK(node(graph, "vdev:deep/raidz1-0/replacing-1").at("missing")[0].at("state") == "REMOVED");
    CHECK(node(graph, "pool:tank").at("scan").at("function") == "resilver");
    CHECK(node(graph, "pool:lone").at("scan").at("function") == "scrub");
    CHECK(node(graph, "pool:lone").at("scan").at("percent") == 0);
    const std::vector<HealthFinding> findings = health_of(survey);
    // What is being replaced needs no second replacement.
    CHECK(finding(findings, "zfs.vdev-not-online", "pool deep").mend == "zpool wait -t resilver deep");
    CHECK(finding(findings, "zfs.scanning", "pool tank").found == "resilver at 0 %");
    CHECK(std::ranges::none_of(findings, [](const HealthFinding& one) {
        return one.shown == "pool tank" && one.severity != Severity::note;
    }));
}

}  // namespace belay::storage::zfs_host_test
