#include "storage/health.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace belay::storage {
namespace {

constexpr Bytes gibibyte{1ULL << 30};

Disk disk(const std::string& name, const std::string& serial, Bytes size = {200 * gibibyte.count})
{
    return {.name = name,
            .by_id = "/dev/disk/by-id/ata-WDC_" + serial,
            .links = {},
            .model = "WDC " + serial,
            .serial = serial,
            .wwn = {},
            .size = size,
            .table = "gpt",
            .table_id = {},
            .partitions = {{.name = name + "1",
                            .number = 1,
                            .start = 2048,
                            .size = {size.count - (2ULL << 20)},
                            .type = {},
                            .uuid = "part-" + serial,
                            .content = {"linux_raid_member", "m:0", "host:0"}}},
            .content = {}};
}

/// A mirror of two disks in which nothing is wrong.
Inventory sound_host()
{
    Inventory host;
    host.disks = {disk("sda", "S1"), disk("sdb", "S2")};
    host.holders = {{"sda1", "md0"}, {"sdb1", "md0"}};
    host.arrays = {{.name = "md0",
                    .path = "/dev/disk/by-id/md-uuid-m:0",
                    .uuid = "m:0",
                    .level = "raid1",
                    .metadata = "1.2",
                    .state = "clean",
                    .legs = 2,
                    .degraded = 0,
                    .member_size = {199 * gibibyte.count},
                    .bitmap = "+8",
                    .members = {{"sda1", "in_sync", 0}, {"sdb1", "in_sync", 1}},
                    .sync = {.action = "idle", .done = {}, .total = {}, .per_second = {}},
                    .size = {199 * gibibyte.count},
                    .content = {"ext4", "fs-1", "data"}}};
    return host;
}

/// What a survey finds of that host without any tool.
Survey survey_of(const Inventory& host)
{
    return {.inventory = host, .waiting = waiting_arrays(host)};
}

std::vector<HealthFinding> health_of(const Inventory& host)
{
    return storage::health_of(survey_of(host));
}

/// "severity code" of each, in their order.
std::vector<std::string> told(const Inventory& host)
{
    std::vector<std::string> codes;
    for (const HealthFinding& finding : health_of(host))
        codes.push_back(fmt::format("{} {}", name_of(finding.severity), finding.code));
    return codes;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("nothing is told of a sound host")
{
    CHECK(told(sound_host()) == Codes{});
    CHECK(health_report(survey_of(sound_host())).at("worst").is_null());
    CHECK(health_report(survey_of(sound_host())).at("looked_at").at("disks") == 2);
}

TEST_CASE("a failed member is told with its disk and with the command that replaces it")
{
    Inventory host = sound_host();
    host.arrays[0].members[1].state = "faulty";
    host.arrays[0].degraded = 1;
    CHECK(told(host) == Codes{"critical md.member-failed", "critical md.degraded"});
    const HealthFinding failed = health_of(host).front();
    CHECK(failed.object == "/dev/disk/by-id/md-uuid-m:0");
    CHECK(failed.found == "/dev/sdb1 is faulty, on S2 (/dev/sdb)");
    CHECK(failed.mend == "belay plan disk.replace --leaving S2 --joining NEW");
    CHECK(health_report(survey_of(host)).at("worst") == "critical");
}

TEST_CASE("an array that is being mended is a warning, and says how far it is")
{
    Inventory host = sound_host();
    host.arrays[0].members[1].state = "spare";
    host.arrays[0].degraded = 1;
    host.arrays[0].sync = {.action = "recover", .done = {50}, .total = {200}, .per_second = {1}};
    CHECK(told(host) == Codes{"warning md.degraded", "note md.syncing"});
    CHECK(health_of(host)[1].found == "recover at 25 %");
}

TEST_CASE("a stripe has no redundancy to miss, and an array that does not run is critical")
{
    Inventory host = sound_host();
    host.arrays[0].level = "raid0";
    host.arrays[0].bitmap = "none";
    CHECK(told(host) == Codes{});
    host.arrays[0].state = "inactive";
    CHECK(told(host) == Codes{"critical md.inactive"});
}

TEST_CASE("a large array wants a bitmap, a small one may do without")
{
    Inventory host = sound_host();
    host.arrays[0].bitmap = "none";
    CHECK(told(host) == Codes{"warning md.no-bitmap"});
    host.arrays[0].member_size = gibibyte;
    CHECK(told(host) == Codes{"note md.no-bitmap"});
}

TEST_CASE("a mirror of one leg, and one of unequal halves")
{
    Inventory host = sound_host();
    host.arrays[0].legs = 1;
    host.arrays[0].members.pop_back();
    host.holders.pop_back();
    CHECK(told(host) == Codes{"warning md.one-leg", "warning md.member-left-out"});

    host = sound_host();
    host.disks[1] = disk("sdb", "S2", {201 * gibibyte.count});  // within a hundredth
    CHECK(told(host) == Codes{});
    host.disks[1] = disk("sdb", "S2", {210 * gibibyte.count});
    CHECK(told(host) == Codes{"note md.unequal-members"});
}

TEST_CASE("superblocks that nothing has taken in: of an array that runs, and of one that does not")
{
    Inventory host = sound_host();
    host.disks.push_back(disk("sdc", "S3"));
    CHECK(told(host) == Codes{"warning md.member-left-out"});
    CHECK(health_of(host)[0].mend == "mdadm --manage /dev/md0 --re-add /dev/sdc1");
    host.disks[2].partitions[0].content.uuid = "other:0";
    CHECK(told(host) == Codes{"warning md.not-assembled"});
    CHECK(health_of(host)[0].found == "it does not run: /dev/sdc1");
}

TEST_CASE("identifiers that are there twice, unless that is their nature")
{
    Inventory host = sound_host();
    host.disks[1].serial = "S1";
    host.disks[1].partitions[0].uuid = "part-S1";
    CHECK(told(host) == Codes{"critical partition.uuid-twice", "warning disk.serial-twice"});

    host = sound_host();
    for (Disk& each : host.disks) each.partitions[0].content = {"ext4", "fs-2", ""};
    host.arrays.clear();
    host.holders.clear();
    CHECK(told(host) == Codes{"critical filesystem.uuid-twice"});
    for (Disk& each : host.disks) each.partitions[0].content.type = "btrfs";
    CHECK(told(host) == Codes{});
}

TEST_CASE("the paths of one multipath disk are no twins")
{
    Inventory host;
    host.disks = {disk("sda", "S1"), disk("sdb", "S1")};
    host.holders = {{"sda", "dm-0"}, {"sdb", "dm-0"}, {"sda1", "dm-1"}, {"sdb1", "dm-1"}};
    host.others = {{"dm-0", "mpath", {200 * gibibyte.count}, {}}};
    CHECK(told(host) == Codes{});
}

TEST_CASE("a disk that takes no writes, one without a stable name, one with two contents")
{
    Inventory host = sound_host();
    host.disks[0].read_only = true;
    host.disks[0].by_id.clear();
    host.disks[1].content = {"linux_raid_member", "m:0", "host:0"};
    host.holders.push_back({"sdb", "md0"});
    CHECK(told(host) == Codes{"critical disk.two-contents", "warning disk.read-only", "note disk.no-name"});
}

}  // namespace belay::storage
