// hdparm 9.65 on the ATA disk of QEMU 7.2 (recordings/tool-reports.txt), which has no DCO and says so in
// its own way; and what other disks, kernels and versions say, by hdparm's source.

#include "storage/parse/hdparm.h"

#include "base/json.h"
#include "base/testing/must.h"
#include "storage/parse/kinds.h"

#include <fstream>

namespace belay::storage::parse::hdparm_test {
namespace {

std::map<std::string, std::string> reports()
{
    std::ifstream file(BELAY_RECORDINGS "/tool-reports.txt");
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

HdparmMax max_of(const std::string& line)
{
    return must(parse_hdparm_max("\n/dev/sda:\n" + line + "\n")).at(0);
}

const std::string dco_head =
    "\n/dev/sda:\nDCO Checksum verified.\nDCO Revision: 0x0002\n"
    "The following features can be selectively disabled via DCO:\n\tTransfer modes:\n";

}  // namespace

TEST_CASE("recorded: a disk without an HPA")
{
    const HdparmMax disk = must(parse_hdparm_max(reports().at("hdparm-max whole"))).at(0);
    CHECK(disk.device == "/dev/sda");
    CHECK(disk.visible == 131072);
    CHECK(disk.native == 131072);
    CHECK(disk.is_limited == false);
    CHECK(disk.problem.empty());
}

TEST_CASE("recorded: a disk without a DCO, of which hdparm verifies the checksum of nothing")
{
    const HdparmDco disk = must(parse_hdparm_dco(reports().at("hdparm-dco none"))).at(0);
    CHECK(disk.checksum_correct == true);
    CHECK(disk.revision == "0x0000");
    CHECK_FALSE(disk.real_max_sectors);
    CHECK(hdparm_problem(reports().at("complaint-of-hdparm-dco")) ==
          "SG_IO: bad/missing sense data (aborted command)");
    // Somebody may have kept both together.
    const auto both =
        must(parse_hdparm_dco(reports().at("hdparm-dco none") + reports().at("complaint-of-hdparm-dco")));
    CHECK(both.at(0).problem == "SG_IO: bad/missing sense data (aborted command)");
}

TEST_CASE("an HPA, and the newer feature in its place")
{
    const HdparmMax hpa = max_of(" max sectors   = 976771055/976773168, HPA is enabled");
    CHECK(hpa.visible == 976771055);
    CHECK(hpa.native == 976773168);
    CHECK(hpa.is_limited == true);
    CHECK_FALSE(hpa.by_accessible_max_address);
    const HdparmMax amax = max_of(
        " max sectors   = 100/23437770752, ACCESSIBLE MAX ADDRESS enabled\n"
        "Power cycle your device after every ACCESSIBLE MAX ADDRESS");
    CHECK(amax.by_accessible_max_address);
    CHECK(amax.is_limited == true);
    CHECK(max_of(" max sectors = 200/200, accessible max address disabled").is_limited == false);
}

TEST_CASE("answers that hdparm itself does not believe, and those of adapters that make one up")
{
    const HdparmMax bridge =
        max_of(" max sectors   = 0/1, HPA setting seems invalid (buggy kernel device driver?)");
    CHECK_FALSE(bridge.is_limited);
    CHECK_FALSE(bridge.visible);
    CHECK_FALSE(bridge.native);
    CHECK(bridge.problem == "HPA setting seems invalid (buggy kernel device driver?)");
    const HdparmMax asked_twice =
        max_of(" max sectors   = 66055248/1(156301488?), HPA setting seems invalid");
    CHECK(asked_twice.visible == 66055248);
    CHECK_FALSE(asked_twice.native);
    const HdparmMax sense = max_of(
        "SG_IO: bad/missing sense data, sb[]:  70 00 05 00 00 00 00 0a 00 00 00 00 20 00\n"
        " max sectors   = 0/1, HPA is enabled");
    CHECK(sense.problem == "SG_IO: bad/missing sense data (illegal request)");
    const HdparmMax refused = max_of(" READ_NATIVE_MAX_ADDRESS_EXT failed: Input/output error");
    CHECK(refused.problem == "READ_NATIVE_MAX_ADDRESS_EXT failed: Input/output error");
    CHECK_FALSE(refused.visible);
    const HdparmMax old_kernel =
        max_of("The running kernel lacks CONFIG_IDE_TASK_IOCTL support for this device.");
    CHECK(old_kernel.problem.starts_with("The running kernel lacks"));
}

TEST_CASE("what a disk was built with, and a number into which an older hdparm has extended a sign")
{
    const std::string modes = "\t\t mdma0 mdma1 mdma2\n\t\t udma0 udma1\n",
                      features =
                          "\tATA command/feature sets:\n\t\t SMART self_test HPA 48_bit\n\tSATA "
                          "command/feature sets:\n\t\t NCQ\n";
    const auto disk =
        must(parse_hdparm_dco(dco_head + modes + "\tReal max sectors: 5860533168\n" + features));
    CHECK(disk.at(0).real_max_sectors == 5860533168);
    CHECK(disk.at(0).transfer_modes == std::vector<std::string>{"mdma0", "mdma1", "mdma2", "udma0", "udma1"});
    CHECK(disk.at(0).features == std::vector<std::string>{"SMART", "self_test", "HPA", "48_bit", "NCQ"});
    const auto extended =
        must(parse_hdparm_dco(dco_head + modes + "\tReal max sectors: 18446744073324136624\n" + features));
    CHECK_FALSE(extended.at(0).real_max_sectors);
    const auto broken = must(parse_hdparm_dco("/dev/sda:\nDCO Checksum FAILED!\n"));
    CHECK(broken.at(0).checksum_correct == false);
    const auto none =
        must(parse_hdparm_dco("\n/dev/sda:\n HDIO_DRIVE_CMD(dco_identify) failed: Input/output error\n"));
    CHECK(none.at(0).problem == "HDIO_DRIVE_CMD(dco_identify) failed: Input/output error");
}

TEST_CASE("several disks that were asked at once are told one by one, as JSON")
{
    const std::string text =
        "\n/dev/sda:\n max sectors   = 10/20, HPA is enabled\n"
        "\n/dev/sdb:\n max sectors   = 20/20, HPA is disabled\n";
    CHECK(must(parse_as(*kind_named("hdparm-max"), text)) == Json{{"devices",
                                                                   {{{"device", "/dev/sda"},
                                                                     {"visible_sectors", 10},
                                                                     {"native_sectors", 20},
                                                                     {"limited", true},
                                                                     {"feature", "HPA"}},
                                                                    {{"device", "/dev/sdb"},
                                                                     {"visible_sectors", 20},
                                                                     {"native_sectors", 20},
                                                                     {"limited", false},
                                                                     {"feature", "HPA"}}}}});
}

TEST_CASE("a text of something else, or one that is cut, is refused")
{
    for (const char* kind : {"hdparm-max", "hdparm-dco"}) {
        for (const char* text : {"", "Personalities : [raid1]\n", "\n/dev/sda:\n", "/dev/sda:\n max sec"}) {
            const auto refused = parse_as(*kind_named(kind), text);
            REQUIRE_MESSAGE(!refused, text);
            CHECK(refused.error().kind == ErrorKind::corrupt);
        }
    }
    CHECK_FALSE(parse_hdparm_max(" max sectors   = 9767731/"));
}

}  // namespace belay::storage::parse::hdparm_test
