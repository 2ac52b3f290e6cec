// What a real kernel with OpenZFS 2.1 said in the lab (lab/qemu/zfs), in the forms that people use:
// recordings/zpool-reports.txt.

#include "base/testing/must.h"
#include "storage/parse/zpool_status.h"

#include <fstream>
#include <sstream>

namespace belay::storage::parse::zpool_recorded_test {
namespace {

/// The reports by scene and form: "troubled -v".
std::map<std::string, std::string> reports()
{
    std::ifstream file(BELAY_RECORDINGS "/zpool-reports.txt");
    REQUIRE(file);
    std::map<std::string, std::string> reports;
    std::string name;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("@@@ "))
            name = line.substr(4);
        else
            reports[name] += line + '\n';
    }
    return reports;
}

ZpoolPool pool(const std::string& report, std::string_view name)
{
    for (ZpoolPool& pool : must(parse_zpool_status(reports().at(report))).pools) {
        if (pool.name == name) return std::move(pool);
    }
    FAIL("no pool " << name);
    return {};
}

/// "name state note" of each leaf and vdev below.
std::vector<std::string> told(const std::vector<ZpoolVdev>& vdevs)
{
    std::vector<std::string> texts;
    for (const ZpoolVdev& vdev : vdevs) {
        texts.push_back(vdev.name + ' ' + vdev.state + (vdev.note.empty() ? "" : ' ' + vdev.note));
        const std::vector<std::string> below = told(vdev.children);
        texts.insert(texts.end(), below.begin(), below.end());
    }
    return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("recorded: every report of zpool is understood, and refused when it is cut")
{
    for (const auto& [name, text] : reports()) {
        CAPTURE(name);
        CHECK(must(parse_zpool_status(text)).pools.size() == 3);
        const size_t last = text.rfind("config:");
        for (size_t length = text.rfind("  pool:") + 1; length < last; ++length)
            CHECK_FALSE(parse_zpool_status(std::string_view(text).substr(0, length)));
    }
    CHECK(reports().size() == 5);
}

TEST_CASE("recorded: a sound pool with a mirrored log, a cache and a spare")
{
    const ZpoolPool tank = pool("sound -P", "tank");
    CHECK(tank.state == "ONLINE");
    CHECK(tank.scans.empty());
    CHECK(told(tank.config->children) == Texts{"mirror-0 ONLINE", "/dev/disk/by-id/virtio-LAB-a-part1 ONLINE",
                                               "/dev/disk/by-id/virtio-LAB-b-part1 ONLINE"});
    CHECK(told(tank.groups.at("logs")) == Texts{"mirror-1 ONLINE",
                                                "/dev/disk/by-id/virtio-LAB-e-part1 ONLINE",
                                                "/dev/disk/by-id/virtio-LAB-f-part1 ONLINE"});
    CHECK(told(tank.groups.at("cache")) == Texts{"/dev/disk/by-id/virtio-LAB-g-part1 ONLINE"});
    CHECK(told(tank.groups.at("spares")) == Texts{"/dev/disk/by-id/virtio-LAB-h-part1 AVAIL"});
    CHECK(tank.data_errors == 0);
}

TEST_CASE("recorded: a leg offline, a disk pulled, and files that nothing can repair")
{
    const ZpoolPool tank = pool("troubled -ps", "tank");
    CHECK(tank.state == "DEGRADED");
    const std::vector<ZpoolVdev>& legs = tank.config->children.at(0).children;
    CHECK(legs.at(0).cksum.exact > 100);
    CHECK(legs.at(0).slow.exact == 0);
    CHECK(legs.at(1).state == "OFFLINE");
    CHECK(tank.scans.at(0).state == "finished");
    CHECK(tank.scans.at(0).errors == 0);
    const ZpoolPool deep = pool("troubled -v", "deep");
    CHECK(told(deep.config->children) ==
          Texts{"raidz1-0 DEGRADED", "virtio-LAB-c ONLINE", "virtio-LAB-d REMOVED", "virtio-LAB-i ONLINE"});
    CHECK(deep.config->children.at(0).type == "raidz1");
    const ZpoolPool lone = pool("troubled -v", "lone");
    CHECK(lone.state == "ONLINE");
    CHECK(lone.error_list == Texts{"/lone/scratch/file"});
    CHECK(pool("troubled -ps", "lone").data_errors == 1);
    CHECK(lone.scans.at(0).errors > 10);
}

TEST_CASE("recorded: a spare that steps in, a disk that is replaced, a scrub; all under way")
{
    const ZpoolPool tank = pool("busy -t", "tank");
    CHECK(told(tank.config->children) == Texts{"mirror-0 ONLINE", "virtio-LAB-a ONLINE (untrimmed)",
                                               "spare-1 ONLINE", "virtio-LAB-b ONLINE (untrimmed)",
                                               "virtio-LAB-h ONLINE (untrimmed)"});
    CHECK(tank.config->children.at(0).children.at(1).type == "spare");
    CHECK(told(tank.groups.at("spares")) == Texts{"virtio-LAB-h INUSE currently in use  (untrimmed)"});
    const ZpoolPool deep = pool("busy -PL", "deep");
    const ZpoolVdev& replacing = deep.config->children.at(0).children.at(1);
    CHECK(replacing.type == "replacing");
    CHECK(replacing.children.at(0).state == "REMOVED");
    CHECK(replacing.children.at(1).name == "/dev/vds1");
    const ZpoolScan& resilver = deep.scans.at(0);
    CHECK(resilver.function == "resilver");
    CHECK(resilver.state == "in progress");
    CHECK(resilver.percent == 0);
    CHECK(resilver.left.empty());
    CHECK(pool("busy -PL", "lone").scans.at(0).function == "scrub");
}

}  // namespace
}  // namespace belay::storage::parse::zpool_recorded_test
