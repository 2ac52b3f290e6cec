#include "storage/parse/zpool_status.h"

#include "base/json.h"
#include "base/testing/must.h"

namespace belay::storage::parse::zpool_status_test {
namespace {

constexpr std::string_view troubled = R"(  pool: tank
    id: 1234
 state: DEGRADED
status: One or more devices is currently being resilvered.  The pool will
	continue to function, possibly in a degraded state.
action: Wait for the resilver to complete.
   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-9P
  scan: resilver in progress since Tue Feb 20 23:53:35 2024
	1.11T / 2.35T scanned at 329M/s, 500G / 2.35T issued at 50M/s
	929G resilvered, 47.04% done, 1 days 03:10:18 to go
remove: Removal of vdev 7 copied 38.6G in 0h7m, completed on Fri Jul 29 11:01:51 2022
	2.11M memory used for removed device mappings
config:

	NAME                      STATE     READ WRITE CKSUM SLOW
	tank                      DEGRADED     0     0 13.4M     -
	  mirror-0                DEGRADED     0     0     0     -
	    replacing-0           DEGRADED     0     0     3     -
	      old                 UNAVAIL      3   184     0     0  was /dev/sdb1
	      ata-NEW             ONLINE       0     0     0     0  (resilvering)
	    ata-B                 FAULTED      9 1.21K     0     2  too many errors
	  raidz2-1                ONLINE       0     0     0     -
	    my disk               ONLINE       0     0     0     0
	    spare-1               ONLINE       0     0     0     -
	      sdh                 REMOVED      0     0     0     0
	      sdi                 ONLINE       0     0     0     0
	  draid1:4d:6c:1s-2       ONLINE       0     0     0     -
	    sdk                   ONLINE       0     0     0     0
	special
	  mirror-3                ONLINE       0     0     0     -
	    nvme0n1               ONLINE       0     0     0     0
	logs
	  nvme1n1p1               ONLINE       0     0     0     0
	cache
	  nvme2n1                 ONLINE       0     0     0     0
	spares
	  sdi                     INUSE     currently in use
	  draid1-2-0              AVAIL

errors: Permanent errors have been detected in the following files:

        tank/home:<0x1a>
        /tank/a file: with blanks

 dedup: DDT entries 7, size 456B on disk, 147B in core

  pool: rpool
 state: ONLINE
  scan: scrub paused since Sun Mar  3 00:30:00 2024
	scrub started on Sun Mar  3 00:24:00 2024
	1.2G scanned, 600M issued, 4G total
	0B repaired, 15.00% done
  scan: resilvered (mirror-0) 81.5K in 00:00:05 with 0 errors on Fri May 19 12:07:47 2023
config:

	NAME        STATE     READ WRITE CKSUM
	rpool       ONLINE       0     0     0
	  sda3      ONLINE       0     0     0

errors: 3 data errors, use '-v' for a list
)";

std::string refusal_of(std::string_view text)
{
    const auto parsed = parse_zpool_status(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == ErrorKind::corrupt);
    return parsed.error().what;
}

using Lines = std::vector<std::string>;

TEST_CASE("zpool status: a pool in trouble with every kind of vdev")
{
    const ZpoolStatus status = must(parse_zpool_status(troubled));
    REQUIRE(status.pools.size() == 2);
    const ZpoolPool& pool = status.pools[0];
    CHECK(pool.name == "tank");
    CHECK(pool.id == "1234");
    CHECK(pool.state == "DEGRADED");
    CHECK(pool.status ==
          "One or more devices is currently being resilvered.  The pool will continue to function, "
          "possibly in a degraded state.");
    CHECK(pool.other.at("remove").ends_with("memory used for removed device mappings"));
    REQUIRE(pool.config);
    CHECK(pool.config->type == "root");
    CHECK(pool.config->cksum.text == "13.4M");
    CHECK(!pool.config->cksum.exact);
    REQUIRE(pool.config->children.size() == 3);
    const ZpoolVdev& mirror = pool.config->children[0];
    CHECK(mirror.type == "mirror");
    REQUIRE(mirror.children.size() == 2);
    CHECK(mirror.children[0].type == "replacing");
    CHECK(mirror.children[0].cksum.exact == 3);
    CHECK(mirror.children[0].children.at(0).note == "was /dev/sdb1");
    CHECK(mirror.children[0].children.at(0).write.exact == 184);
    CHECK(mirror.children[0].children.at(1).note == "(resilvering)");
    CHECK(mirror.children[1].note == "too many errors");
    CHECK(mirror.children[1].slow.exact == 2);
    const ZpoolVdev& parity = pool.config->children[1];
    CHECK(parity.type == "raidz2");
    CHECK(parity.children[0].name == "my disk");
    CHECK(parity.children[0].type == "leaf");
    CHECK(parity.children[1].type == "spare");
    CHECK(parity.children[1].children[0].state == "REMOVED");
    CHECK(pool.config->children[2].type == "draid1");
    CHECK(pool.groups.at("special").at(0).children.at(0).name == "nvme0n1");
    CHECK(pool.groups.at("logs").at(0).name == "nvme1n1p1");
    CHECK(pool.groups.at("cache").at(0).name == "nvme2n1");
    CHECK(pool.groups.at("spares").at(0).note == "currently in use");
    CHECK(pool.groups.at("spares").at(1).state == "AVAIL");
    CHECK(pool.groups.at("spares").at(1).type == "distributed spare");
    CHECK(pool.data_errors == 2);
    CHECK(pool.error_list == Lines{"tank/home:<0x1a>", "/tank/a file: with blanks"});
    CHECK(pool.other.at("dedup").starts_with("DDT entries 7"));
}

TEST_CASE("zpool status: a resilver in progress, a scrub that is paused, and one of a vdev alone")
{
    const ZpoolStatus status = must(parse_zpool_status(troubled));
    const ZpoolScan& scan = status.pools[0].scans.at(0);
    CHECK(scan.function == "resilver");
    CHECK(scan.state == "in progress");
    CHECK(scan.since == "Tue Feb 20 23:53:35 2024");
    CHECK(scan.percent == 47.04);
    CHECK(scan.scanned.text == "1.11T");
    CHECK(scan.issued.text == "500G");
    CHECK(scan.total.text == "2.35T");
    CHECK(scan.processed.text == "929G");
    CHECK(scan.left == "1 days 03:10:18");
    CHECK(scan.left_s == 86400 + 3 * 3600 + 618);
    const auto& scans = status.pools[1].scans;
    REQUIRE(scans.size() == 2);
    CHECK(scans[0].state == "paused");
    CHECK(scans[0].since == "Sun Mar  3 00:24:00 2024");
    CHECK(scans[0].total.text == "4G");
    CHECK(scans[1].vdev == "mirror-0");
    CHECK(scans[1].processed.text == "81.5K");
    CHECK(scans[1].errors == 0);
    CHECK(status.pools[1].data_errors == 3);
    CHECK(status.pools[1].error_list.empty());
}

TEST_CASE("zpool status: the wordings of a scan, from Solaris to today")
{
    const auto scan = [](const Lines& lines) { return parse_zpool_scan(lines); };
    CHECK(scan({"none requested"}).state == "none");
    const ZpoolScan done =
        scan({"scrub repaired 1.5K in 0 days 00:12:03 with 2 errors on Sun Nov 13 00:36:50 2016"});
    CHECK(done.state == "finished");
    CHECK(done.duration_s == 723);
    CHECK(done.processed.text == "1.5K");
    CHECK(done.errors == 2);
    CHECK(done.ended == "Sun Nov 13 00:36:50 2016");
    const ZpoolScan old = scan({"scrub repaired 0 in 1h18m with 0 errors on Tue Nov  6 22:47:38 2012"});
    CHECK(old.duration == "1h18m");
    CHECK(!old.duration_s);
    CHECK(old.processed.exact == 0);
    const ZpoolScan solaris = scan({"scrub completed after 0h0m with 0 errors on Tue Feb  2 13:08:42 2010"});
    CHECK(solaris.state == "finished");
    CHECK(solaris.duration == "0h0m");
    CHECK(solaris.ended == "Tue Feb  2 13:08:42 2010");
    CHECK(scan({"scrub stopped after 0h3m with 0 errors on Tue Feb  2 13:08:42 2010"}).state == "canceled");
    const ZpoolScan running = scan({"resilver in progress for 0h5m, 10.20% done, 0h43m to go"});
    CHECK(running.state == "in progress");
    CHECK(running.duration == "0h5m");
    CHECK(running.percent == 10.2);
    CHECK(running.left == "0h43m");
    const ZpoolScan slow = scan({"scrub in progress since Mon Jul 16 16:30:38 2018",
                                 "9.2G scanned out of 1.3T at 1.57M/s, (scan is slow, no estimated time)",
                                 "0 repaired, 116.44% done"});
    CHECK(slow.scanned.text == "9.2G");
    CHECK(slow.total.text == "1.3T");
    CHECK(slow.percent == 116.44);
    CHECK(slow.left.empty());
    CHECK(scan({"scrub canceled on Mon Jul 16 16:30:35 2018"}).ended == "Mon Jul 16 16:30:35 2018");
    CHECK(scan({"resilver (draid1:3d:5c:1s-0) canceled on Mon Jul 16"}).vdev == "draid1:3d:5c:1s-0");
    CHECK(scan({"something quite new"}).state.empty());
    CHECK(scan({"something quite new"}).text == "something quite new");
}

TEST_CASE("zpool status: a resilver in the words of OpenZFS 0.7, 0.8 to 2.1, and 2.2")
{
    const auto resilver = [](const Lines& amounts) {
        Lines lines = {"resilver in progress since Sat Jan 28 14:25:44 2023"};
        lines.insert(lines.end(), amounts.begin(), amounts.end());
        return parse_zpool_scan(lines);
    };
    const ZpoolScan old =
        resilver({"82.6M scanned out of 1.13T at 2.42M/s, 123h32m to go", "82.2M resilvered, 0.01% done"});
    CHECK(old.scanned.text == "82.6M");
    CHECK(old.total.text == "1.13T");
    CHECK(old.left == "123h32m");
    CHECK(!old.left_s);
    const ZpoolScan began = resilver({"12.8G scanned at 596M/s, 610K issued at 27.3K/s, 1.49T total",
                                      "0B resilvered, 0.00% done, no estimated completion time"});
    CHECK(began.issued.text == "610K");
    CHECK(began.total.text == "1.49T");
    CHECK(began.percent == 0);
    CHECK(began.left.empty());
    const ZpoolScan days = resilver({"12.0T scanned at 2.78G/s, 1.12T issued at 290M/s, 20.1T total",
                                     "141G resilvered, 5.55% done, 0 days 19:07:43 to go"});
    CHECK(days.left_s == 19 * 3600 + 7 * 60 + 43);
    const ZpoolScan today = resilver({"68.8T / 105T scanned at 2.81G/s, 48.3T / 105T issued at 1.97G/s",
                                      "2.80T resilvered, 46.64% done, 07:58:49 to go"});
    CHECK(today.issued.text == "48.3T");
    CHECK(today.total.text == "105T");
    CHECK(today.left_s == 7 * 3600 + 58 * 60 + 49);
}

TEST_CASE("zpool status: what a pool says of each vdev that is no error, and of one that stands still")
{
    const ZpoolStatus status = must(parse_zpool_status(
        "  pool: tank\n state: SUSPENDED\nstatus: One or more devices are faulted in response to IO "
        "failures.\n"
        "action: Make sure the affected devices are connected, then run 'zpool clear'.\n"
        "   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-HC\n"
        "checkpoint: created Thu Nov 26 10:00:00 2026, consumes 51K\n"
        "expand: expanded raidz1-0 copied 27.3M in 00:00:08, on Thu Nov 26 10:01:00 2026\nconfig:\n\n"
        "\tNAME        STATE     READ WRITE CKSUM\n\ttank        UNAVAIL      0     0     0  insufficient "
        "replicas\n"
        "\t  raidz1-0  UNAVAIL      0    12     0  insufficient replicas\n"
        "\t    sda     ONLINE       0     0     0  block size: 512B configured, 4096B native\n"
        "\t    sdb     ONLINE       0     0     0  (100% trimmed, completed at Thu 26 Nov 2026 10:00:00 AM "
        "UTC)\n"
        "\t    sdc     REMOVED      0     0     0\n\t    sdd     FAULTED      3    12     0  too many "
        "errors\n\n"
        "errors: List of errors unavailable: pool I/O is currently suspended\n"));
    const ZpoolPool& pool = status.pools.at(0);
    CHECK(pool.state == "SUSPENDED");
    CHECK(pool.other.at("checkpoint").ends_with("consumes 51K"));
    CHECK(pool.other.at("expand").starts_with("expanded raidz1-0"));
    const std::vector<ZpoolVdev>& disks = pool.config->children.at(0).children;
    REQUIRE(disks.size() == 4);
    CHECK(disks[0].note == "block size: 512B configured, 4096B native");
    CHECK(disks[1].note.starts_with("(100% trimmed"));
    CHECK(!pool.data_errors);
}

TEST_CASE("zpool status: without pools, without trouble, and a pool that cannot be opened")
{
    CHECK(must(parse_zpool_status("no pools available\n")).pools.empty());
    CHECK(must(parse_zpool_status("all pools are healthy\n")).message == "all pools are healthy");
    const ZpoolStatus lost = must(parse_zpool_status(
        "  pool: tank\n state: UNAVAIL\nconfig:\n\n\tNAME        STATE     READ WRITE CKSUM\n"
        "\ttank        UNAVAIL      0     0     0  insufficient replicas\n\t  c1t1d0    UNAVAIL      4     1 "
        "    0  cannot "
        "open\n"));
    CHECK(lost.pools.at(0).config->note == "insufficient replicas");
    CHECK(!lost.pools[0].data_errors);
    const ZpoolStatus unknown = must(parse_zpool_status(
        "  pool: tank\n state: FAULTED\nconfig: The configuration cannot be determined.\n"));
    CHECK(!unknown.pools.at(0).config);
}

TEST_CASE("zpool status: what is empty, foreign or cut is refused")
{
    CHECK(refusal_of("NAME   SIZE  ALLOC\n").find("line 1: it names no pool") != std::string::npos);
    const size_t whole = troubled.find("\n  pool: rpool");
    const size_t errors = troubled.find("errors: Permanent");
    for (size_t length = 0; length < errors; ++length) CHECK(!parse_zpool_status(troubled.substr(0, length)));
    for (size_t length = whole + 10; length + 40 < troubled.size(); ++length)
        CHECK(!parse_zpool_status(troubled.substr(0, length)));
    CHECK(refusal_of("  pool: t\n state: ONLINE\nconfig:\n\n\tNAME STATE READ WRITE CKSUM\n\tt ONLINE 0 0 0\n"
                     "\tsda ONLINE 0 0 0\n\nerrors: No known data errors\n")
              .find("line 7: a vdev stands beside its pool") != std::string::npos);
    CHECK(refusal_of("  pool: t\n state: ONLINE\nconfig:\n\n\tNAME STATE READ WRITE CKSUM\n\tt ONLINE 0\n")
              .find("line 6: the counts of t are missing") != std::string::npos);
}

}  // namespace
}  // namespace belay::storage::parse::zpool_status_test
