// The tree of what the lab's kernel cannot have: ZFS, multipath, keys. (The rest: storage_screen_test.cpp.)

#include "cli/storage_text.h"

#include "base/testing/must.h"
#include "cli/samples.h"
#include "storage/survey.h"

namespace belay::cli::storage_text_test {
namespace {

using samples::plain;
using storage::Disk;
using storage::Survey;

Disk disk_called(const std::string& name, const std::string& type)
{
    Disk disk;
    disk.name = name;
    disk.size = {1ULL << 40};
    disk.content = {type, "uuid-" + name, ""};
    return disk;
}

/// A pool that is a mirror with a log; one disk of the mirror is away.
storage::Pool pool()
{
    storage::Pool pool;
    pool.status = must(storage::parse::parse_zpool_status(
                           "  pool: tank\n state: DEGRADED\n  scan: none requested\nconfig:\n\n"
                           "\tNAME STATE READ WRITE CKSUM\n"
                           "\ttank  DEGRADED 0 0 0\n"
                           "\t  mirror-0  DEGRADED 0 0 0\n"
                           "\t    /dev/sda  ONLINE 3 0 1.21K\n"
                           "\t    /dev/sdx  UNAVAIL 0 0 0  was /dev/sdb\n"
                           "\tlogs\n"
                           "\t  /dev/sdc  ONLINE 0 0 0\n\n"
                           "errors: No known data errors\n"))
                      .pools.at(0);
    pool.row.name = "tank";
    pool.row.guid = "77";
    pool.row.size = 1ULL << 40;
    pool.row.free = 1ULL << 38;
    pool.devices = {{"/dev/sda", "sda"}, {"/dev/sdc", "sdc"}};
    pool.datasets =
        must(storage::parse_zfs_list("tank\tfilesystem\t9\t103079215104\t9\t-\t/tank\tyes\n"
                                     "tank/mail\tfilesystem\t1073741824\t9\t9\t-\t/srv/mail\tyes\n"
                                     "tank/disk\tvolume\t4096\t9\t9\t1048576\t-\t-\n"));
    return pool;
}

}  // namespace

TEST_CASE("ZFS: the disk, its vdevs, the pool once, its datasets and what is mounted")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda", "zfs_member"), disk_called("sdc", "zfs_member"),
                              disk_called("sdd", "zfs_member")};
    survey.inventory.disks[2].content.label = "old";
    survey.pools = {pool()};
    survey.pools_known = true;
    CHECK(storage_text(plain(), graph_of(survey)) ==
          "sda  1 TiB, solid state\n"
          "└─ ZFS  ONLINE, errors: 3 read, 0 write, 1.21K checksum\n"
          "   └─ mirror-0  vdev, DEGRADED, 1 of 2 online, without /dev/sdx (UNAVAIL)\n"
          "      └─ tank  pool, DEGRADED, 1 TiB, 256 GiB free, 96 GiB available\n"
          "         ├─ on /tank\n"
          "         ├─ tank/mail  dataset, 1 GiB used\n"
          "         │  └─ on /srv/mail\n"
          "         └─ tank/disk  zvol, 1 MiB, 4 KiB used\n"
          "sdc  1 TiB, solid state\n"
          "└─ ZFS  logs, ONLINE\n"
          "   └─ tank  see above\n"
          "sdd  1 TiB, solid state\n"
          "└─ old  pool, not imported\n");
}

TEST_CASE("several paths to one disk, what a key has opened, and what is locked")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda", "mpath_member"), disk_called("sdb", "mpath_member"),
                              disk_called("sdc", "crypto_LUKS"), disk_called("sdd", "crypto_LUKS")};
    survey.inventory.others = {{"dm-0", "mpath", {1ULL << 40}, {"ext4", "u-1", ""}},
                               {"dm-1", "crypt", {1ULL << 40}, {"xfs", "u-2", ""}}};
    survey.inventory.holders = {{"sda", "dm-0"}, {"sdb", "dm-0"}, {"sdc", "dm-1"}};
    survey.inventory.mounts = {{"dm-1", "/srv/secret", "xfs", "rw"}};
    survey.mapped = {{"dm-0", {"mpatha", "mpath-3500"}}, {"dm-1", {"secret", "CRYPT-LUKS2-1"}}};
    CHECK(storage_text(plain(), graph_of(survey)) ==
          "sda  1 TiB, solid state\n"
          "└─ mpatha  multipath, 1 TiB\n"
          "   └─ ext4  uuid u-1\n"
          "sdb  1 TiB, solid state\n"
          "└─ mpatha  see above\n"
          "sdc  1 TiB, solid state\n"
          "└─ secret  opened with a key, 1 TiB\n"
          "   └─ xfs  uuid u-2\n"
          "      └─ on /srv/secret\n"
          "sdd  1 TiB, solid state\n"
          "└─ crypto_LUKS  locked, uuid uuid-sdd\n");
}

TEST_CASE("what was not looked at stands below the tree, with what helps")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda", "")};
    survey.not_looked = {{"LVM", "no program lvm on this host", "apt install lvm2"},
                         {"SMART of sda", "asleep, and not woken: Device is in STANDBY mode", ""}};
    CHECK(storage_text(plain(60), graph_of(survey)) ==
          "sda  1 TiB, no table, solid state\n"
          "\n"
          "not looked at: LVM (no program lvm on this host)\n"
          "  next: apt install lvm2\n"
          "not looked at: SMART of sda (asleep, and not woken: Device\n"
          "  is in STANDBY mode)\n");
}

TEST_CASE("a thousand disks in three hundred arrays: each array is told once, by a line a disk besides")
{
    Survey survey;
    for (size_t i = 0; i < 1000; ++i) {
        const std::string name = fmt::format("sd{}", i), array = fmt::format("md{}", i / 3);
        survey.inventory.disks.push_back(disk_called(name, "linux_raid_member"));
        if (i >= 900) continue;
        survey.inventory.disks.back().content.uuid = array;
        survey.inventory.holders.emplace_back(name, array);
        if (i % 3 != 0) continue;
        storage::Array made;
        made.name = array;
        made.uuid = array;
        survey.inventory.arrays.push_back(made);
    }
    const std::string text = storage_text(plain(80), graph_of(survey));
    const auto count = [&](std::string_view what) {
        size_t found = 0;
        for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++found;
        return found;
    };
    CHECK(count("  see above\n") == 600);
    CHECK(count("does not run") == 100);
    CHECK(count("\n") == 2000);
    CHECK(count("md299") == 3);
}

}  // namespace belay::cli::storage_text_test
