#include "storage/model.h"

#include "storage/survey.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace belay::storage {
namespace {

using Json = nlohmann::json;

Disk disk(const std::string& name, const std::string& serial, const std::string& wwn = {})
{
    const std::string by_id = "/dev/disk/by-id/ata-WDC_" + serial;
    return {.name = name,
            .by_id = by_id,
            .links = {by_id, "/dev/disk/by-id/wwn-" + wwn},
            .model = "WDC",
            .serial = serial,
            .wwn = wwn,
            .size = {1 << 20},
            .table = "gpt",
            .table_id = {},
            .partitions = {{.name = name + "1",
                            .number = 1,
                            .start = 2048,
                            .size = {1 << 19},
                            .type = {},
                            .uuid = "u-" + name,
                            .content = {"linux_raid_member", "a", "host:0"}}},
            .content = {}};
}

/// Two disks, a mirror of their partitions with a mounted ext4 on it, swap on a third disk, a loop device.
Inventory host_with_a_mirror()
{
    Inventory inventory;
    inventory.disks = {disk("sda", "S1", "0x51"), disk("sdb", "S2", "0x52")};
    Disk third = disk("sdc", "S3", "0x53");
    third.table.clear();
    third.partitions.clear();
    third.content = {"swap", "w", ""};
    inventory.disks.push_back(third);
    inventory.arrays = {{.name = "md0",
                         .path = "/dev/disk/by-id/md-uuid-a",
                         .uuid = "a",
                         .level = "raid1",
                         .metadata = "1.2",
                         .state = "clean",
                         .legs = 2,
                         .degraded = 0,
                         .member_size = {1 << 19},
                         .bitmap = "+8",
                         .members = {{"sda1", "in_sync", 0}, {"sdb1", "in_sync,write_mostly", 1}},
                         .sync = {"check", {512}, {1024}, {1 << 20}},
                         .size = {1 << 19},
                         .content = {"ext4", "f", "data"}}};
    inventory.others = {{"loop0", "loop", {4096}, {"squashfs", "", ""}}};
    inventory.mounts = {{"md0", "/srv/data", "ext4", "rw"}, {"sdc", "[SWAP]", "swap", ""}};
    inventory.holders = {{"sda1", "md0"}, {"sdb1", "md0"}};
    return inventory;
}

std::vector<Json> nodes_called(const Json& graph, const std::string& id)
{
    std::vector<Json> found;
    for (const Json& node : graph.at("nodes")) {
        if (node.at("id") == id) found.push_back(node);
    }
    return found;
}

Json node(const Json& graph, const std::string& id)
{
    const std::vector<Json> found = nodes_called(graph, id);
    REQUIRE_MESSAGE(found.size() == 1, id << " is there " << found.size() << " times");
    return found[0];
}

}  // namespace

TEST_CASE("a disk answers to its serial, its WWN, each by-id path and name, and its kernel name")
{
    const Inventory inventory = host_with_a_mirror();
    for (const char* said : {"S2", "0x52", "/dev/disk/by-id/ata-WDC_S2", "ata-WDC_S2",
                             "/dev/disk/by-id/wwn-0x52", "wwn-0x52", "/dev/sdb", "sdb"}) {
        const auto found = inventory.disk(said);
        REQUIRE_MESSAGE(found, said);
        CHECK(found->name == "sdb");
    }
}

TEST_CASE("a name to which two disks answer is refused, with both of them")
{
    Inventory inventory = host_with_a_mirror();
    inventory.disks[1].serial = "S1";  // two cards of a cheap reader
    const auto found = inventory.disk("S1");
    REQUIRE(!found);
    CHECK(found.error().kind == ErrorKind::usage);
    CHECK(found.error().what == "two disks answer to S1: S1 (/dev/sda) and S1 (/dev/sdb)");
    CHECK(inventory.disk("sdb"));
}

TEST_CASE("an unknown disk is refused with the list of those that there are")
{
    const auto found = host_with_a_mirror().disk("S9");
    REQUIRE(!found);
    CHECK(found.error().kind == ErrorKind::not_found);
    CHECK(found.error().what ==
          "no disk S9 on this host; there are S1 (/dev/sda), S2 (/dev/sdb), S3 (/dev/sdc)");
    CHECK(Inventory{}.disk("S9").error().what == "no disk S9 on this host; there are none");
}

TEST_CASE("disks without a serial or WWN do not answer to the empty name, nor a partition to that of a disk")
{
    Inventory inventory = host_with_a_mirror();
    inventory.disks[0].serial.clear();
    inventory.disks[0].wwn.clear();
    CHECK(!inventory.disk(""));
    CHECK(!inventory.disk("sda1"));
    CHECK(shown(inventory.disks[0]) == "/dev/sda");
}

TEST_CASE("the graph has the mirror once, under both of its members")
{
    const Json graph = graph_of({.inventory = host_with_a_mirror()});
    const Json array = node(graph, "array:a");
    CHECK(node(graph, "partition:sda1").at("children") == Json{"array:a"});
    CHECK(node(graph, "partition:sdb1").at("children") == Json{"array:a"});
    CHECK(array.at("active") == 2);
    CHECK(array.at("wanted") == 2);
    CHECK(array.at("members")[1] == Json{{"device", "sdb1"}, {"state", "in_sync,write_mostly"}, {"slot", 1}});
    CHECK(array.at("sync").at("done") == 512 * 512);
    CHECK(array.at("children") == Json{"filesystem:md0"});
    CHECK(node(graph, "filesystem:md0").at("children") == Json{"mount:/srv/data"});
}

TEST_CASE("roots of the graph are the disks, and what stands on nothing that is seen")
{
    Inventory inventory = host_with_a_mirror();
    CHECK(graph_of({.inventory = inventory}).at("roots") ==
          Json{"disk:sda", "disk:sdb", "disk:sdc", "other:loop0"});
    inventory.holders.clear();  // the members of the mirror are not to be seen
    CHECK(graph_of({.inventory = inventory}).at("roots") ==
          Json{"disk:sda", "disk:sdb", "disk:sdc", "array:a", "other:loop0"});
}

TEST_CASE("an array that does not run is known from its members' superblocks, and is there once")
{
    Inventory inventory = host_with_a_mirror();
    inventory.arrays.clear();
    inventory.holders.clear();
    for (Disk& disk : inventory.disks) {
        for (Partition& partition : disk.partitions) partition.content.label = "host:data";
    }
    const Json graph = graph_of({.inventory = inventory});
    CHECK(node(graph, "partition:sda1").at("children") == Json{"array:a"});
    CHECK(node(graph, "partition:sdb1").at("children") == Json{"array:a"});
    CHECK(node(graph, "array:a").at("state") == "does not run");
    CHECK(node(graph, "array:a").at("name") == "data");
}

TEST_CASE("swap and a loop device have their place in the graph")
{
    const Json graph = graph_of({.inventory = host_with_a_mirror()});
    CHECK(node(graph, "disk:sdc").at("children") == Json{"filesystem:sdc"});
    CHECK(node(graph, "filesystem:sdc").at("kind") == "swap");
    CHECK(node(graph, "filesystem:sdc").at("in_use") == true);
    CHECK(node(graph, "other:loop0").at("kind") == "loop");
    CHECK(node(graph, "filesystem:loop0").at("name") == "squashfs");
}

TEST_CASE("every child in the graph is a node of it, and no node is there twice")
{
    Inventory inventory = host_with_a_mirror();
    inventory.mounts.push_back({"md0", "/srv/again", "ext4", "rw"});
    inventory.holders.emplace_back("md0", "dm-0");  // nobody listed what stands on the array
    const Json graph = graph_of({.inventory = inventory});
    for (const Json& one : graph.at("nodes")) {
        CHECK(nodes_called(graph, one.at("id")).size() == 1);
        for (const Json& child : one.at("children")) CHECK(nodes_called(graph, child).size() == 1);
    }
}

TEST_CASE("a mount is read-only by its own option, not by one that only begins like it")
{
    CHECK(Mount{"md0", "/srv", "xfs", "ro,relatime"}.is_read_only());
    CHECK(Mount{"md0", "/srv", "xfs", "ro"}.is_read_only());
    CHECK_FALSE(Mount{"md0", "/srv", "ext4", "rw,errors=remount-ro"}.is_read_only());
    CHECK_FALSE(Mount{"md0", "/srv", "ext4", "root"}.is_read_only());
}

}  // namespace belay::storage
