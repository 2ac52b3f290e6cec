// What the probes make of a real machine, played back. The recordings are made by belay-record-storage.

#include "storage/probe.h"

#include "base/testing/must.h"
#include "host/recorded.h"

#include <fstream>
#include <sstream>

namespace belay::storage {
namespace {

std::unique_ptr<host::RecordedHost> machine(const std::string& scene)
{
    std::ifstream file(fmt::format("{}/{}.jsonl", BELAY_RECORDINGS, scene));
    std::stringstream text;
    text << file.rdbuf();
    auto host = host::recorded_host(text.str());
    REQUIRE_MESSAGE(host, scene << ": " << (host ? "" : host.error().what));
    return *std::move(host);
}

std::vector<std::string> standing(const Array& array)
{
    std::vector<std::string> members;
    for (const Member& member : array.members)
        members.push_back(fmt::format("{} {} {}", member.device, member.state,
                                      member.slot ? fmt::format("{}", *member.slot) : "none"));
    return members;
}

const std::string uuid = "11111111:22222222:33333333:44444444";

}  // namespace

TEST_CASE("a mirror at rest is read with its disks, partitions, filesystem and mount")
{
    const auto host = machine("mirror-at-rest");
    const Inventory inventory = must(read_inventory(*host));
    CHECK(inventory.disks.size() == 8);
    const Disk disk = must(inventory.disk("LAB-a"));
    CHECK(disk.by_id == "/dev/disk/by-id/ubd-LAB-a");
    CHECK(disk.size == Bytes{32 << 20});
    CHECK(disk.table == "gpt");
    CHECK(disk.table_id == "aaaa0000-0000-4000-8000-000000000000");
    REQUIRE(disk.partitions.size() == 1);
    CHECK(disk.partitions[0].uuid == "aaaa0000-0000-4000-8000-000000000001");
    CHECK(disk.partitions[0].start == 2048);
    CHECK(disk.partitions[0].content.type == "linux_raid_member");
    REQUIRE(inventory.arrays.size() == 1);
    const Array& array = inventory.arrays[0];
    CHECK(array.uuid == uuid);
    CHECK(array.path == "/dev/disk/by-id/md-uuid-" + uuid);
    CHECK(array.level == "raid1");
    CHECK(array.legs == 2);
    CHECK(array.degraded == 0);
    CHECK(array.member_size == Bytes{19456 << 10});
    CHECK(array.size == Bytes{19456 << 10});
    CHECK(array.bitmap == "+8");
    CHECK(array.sync.action == "idle");
    CHECK(array.sync.total.count == 0);
    CHECK(array.content.label == "data");
    CHECK(standing(array) == std::vector<std::string>{"ubda1 in_sync 0", "ubdb1 in_sync 1"});
    REQUIRE(inventory.mounts.size() == 1);
    CHECK(inventory.mounts[0].device == "md0");
    CHECK(inventory.mounts[0].path == "/run/data");
    CHECK(inventory.on("ubda1") == std::vector<std::string>{"md0"});
}

TEST_CASE("a leg that joins is a spare, then it is copied with progress, then in sync")
{
    const Array waiting = must(read_inventory(*machine("spare"))).arrays.at(0);
    CHECK(waiting.legs == 2);
    CHECK(standing(waiting) ==
          std::vector<std::string>{"ubda1 in_sync 0", "ubdb1 in_sync 1", "ubdc1 spare none"});

    const Array copying = must(read_inventory(*machine("recovering"))).arrays.at(0);
    CHECK(copying.legs == 3);
    CHECK(copying.degraded == 1);
    CHECK(standing(copying) ==
          std::vector<std::string>{"ubda1 in_sync 0", "ubdb1 in_sync 1", "ubdc1 spare 2"});
    CHECK(copying.sync.action == "recover");
    CHECK(copying.sync.total == Sectors{38912});
    CHECK(copying.sync.done.count > 0);
    CHECK(copying.sync.done < copying.sync.total);
    CHECK(copying.sync.per_second.count > 0);

    const Array whole = must(read_inventory(*machine("three-legs"))).arrays.at(0);
    CHECK(whole.members_in_sync() == 3);
    CHECK(whole.degraded == 0);
}

TEST_CASE("a leg that failed and one that was let go")
{
    const Array failed = must(read_inventory(*machine("leg-failed"))).arrays.at(0);
    REQUIRE(failed.member("ubda1") != nullptr);
    CHECK(failed.member("ubda1")->faulty());
    CHECK(failed.degraded == 1);

    const Array without = must(read_inventory(*machine("let-go"))).arrays.at(0);
    CHECK(without.legs == 2);
    CHECK(standing(without) == std::vector<std::string>{"ubdb1 in_sync 0", "ubdc1 in_sync 1"});
}

TEST_CASE("blank disks are blank, and there is no array")
{
    const auto host = machine("blank");
    const Inventory inventory = must(read_inventory(*host));
    CHECK(inventory.arrays.empty());
    for (const Disk& disk : inventory.disks) {
        CHECK(disk.table.empty());
        CHECK(disk.partitions.empty());
        CHECK(!must(read_table(*host, "/dev/" + disk.name)));
        CHECK(must(read_content(*host, "/dev/" + disk.name)).type.empty());
    }
}

TEST_CASE("a filesystem without a table, and an MBR")
{
    const auto host = machine("filesystem-and-mbr");
    const Inventory inventory = must(read_inventory(*host));
    CHECK(must(inventory.disk("LAB-d")).content.type == "ext4");
    CHECK(must(read_content(*host, "/dev/ubdd")).label == "plain");
    CHECK(must(inventory.disk("LAB-e")).table == "dos");
    const auto table = must(read_table(*host, "/dev/ubde"));
    REQUIRE(table);
    CHECK(table->entries.size() == 2);
    // What sfdisk's table and the kernel call a partition must agree: paths are made of the one and followed
    // by the other.
    for (size_t i = 0; i < 2; ++i)
        CHECK(must(inventory.disk("LAB-e")).partitions.at(i).uuid == table->entries[i].uuid);
}

TEST_CASE("a member carries its array's UUID as mdadm writes it, and nothing when it was forgotten")
{
    const Content member = must(read_content(*machine("mirror-at-rest"), "/dev/ubda1"));
    CHECK(member.type == "linux_raid_member");
    CHECK(member.uuid == uuid);
    CHECK(must(read_content(*machine("forgotten"), "/dev/ubda1")).type.empty());
}

TEST_CASE("an array or device that is not there is not found, by its whole name")
{
    const auto host = machine("mirror-at-rest");
    const auto array = read_array(*host, "99999999:22222222:33333333:44444444");
    REQUIRE(!array);
    CHECK(array.error().kind == ErrorKind::not_found);
    CHECK(array.error().what.find("99999999:22222222:33333333:44444444") != std::string::npos);
}

}  // namespace belay::storage
