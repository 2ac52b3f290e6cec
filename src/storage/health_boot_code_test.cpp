// What starts a host by BIOS: each finding raised, and not raised where all is well.

#include "storage/health.h"

#include <doctest/doctest.h>

namespace belay::storage::health_boot_code_test {
namespace {

constexpr const char* bios_boot = "21686148-6449-6e6f-744e-656564454649";

Disk disk_called(const std::string& name, const std::string& table)
{
    Disk disk;
    disk.name = name;
    disk.by_id = "/dev/disk/by-id/ata-" + name;
    disk.serial = "S-" + name;
    disk.size = {1ULL << 40};
    disk.table = table;
    return disk;
}

/// Two disks, the first as it should be.
Survey with_second(const BootCode& second, const std::string& table = "dos")
{
    Survey survey;
    survey.inventory.disks = {disk_called("sda", table), disk_called("sdb", table)};
    survey.bios.codes = {{"sda", boot_code::Code::grub, true}, second};
    return survey;
}

using Texts = std::vector<std::string>;

/// "code on object: found -> mend" of each.
Texts told(const Survey& survey)
{
    Texts texts;
    for (const HealthFinding& one : health_of(survey)) {
        CHECK(one.severity == Severity::warning);
        texts.push_back(fmt::format("{} on {}: {} -> {}", one.code, one.object, one.found, one.mend));
    }
    return texts;
}

const BootCode well{"sdb", boot_code::Code::grub, true};

TEST_CASE("a disk of the mirror that a BIOS does not start from is found")
{
    CHECK(told(with_second(well)).empty());
    const std::string on = "boot.no-code on /dev/disk/by-id/ata-sdb: ";
    const std::string mend = " -> grub-install --target=i386-pc /dev/disk/by-id/ata-sdb";
    CHECK(told(with_second({"sdb", boot_code::Code::none, false})) ==
          Texts{on + "no boot code: a BIOS does not start the host from it" + mend});
    CHECK(told(with_second({"sdb", boot_code::Code::other, false})) ==
          Texts{on + "boot code that is not GRUB's" + mend});
    CHECK(told(with_second({"sdb", boot_code::Code::grub, false})) ==
          Texts{on + "the first sector of GRUB, and no rest where it looks for it" + mend});
}

TEST_CASE("on a GPT without a partition for it, grub-install is no way")
{
    Survey survey = with_second({"sdb", boot_code::Code::none, false}, "gpt");
    CHECK(
        told(survey).front().ends_with("and no BIOS boot partition -> belay plan disk.replace --leaving "
                                       "S-sdb --joining NEW"));
    Partition room;
    room.name = "sdb1";
    room.type = bios_boot;
    survey.inventory.disks.back().partitions = {room};
    CHECK(told(survey).front().ends_with("-> grub-install --target=i386-pc /dev/disk/by-id/ata-sdb"));
}

TEST_CASE("where no disk has boot code, something else starts the host")
{
    Survey survey = with_second({"sdb", boot_code::Code::none, false});
    survey.bios.codes.front() = {"sda", boot_code::Code::other, false};
    CHECK(told(survey).empty());
}

TEST_CASE("the disks of grub-pc are those that start the host")
{
    Survey survey = with_second(well);
    survey.bios.renewed = {{"/dev/disk/by-id/ata-sda", "sda"}, {"/dev/disk/by-id/ata-sdb", "sdb"}};
    CHECK(told(survey).empty());
    survey.bios.renewed = {{"/dev/disk/by-id/ata-sda", "sda"}, {"/dev/disk/by-id/ata-old", ""}};
    const Texts texts = told(survey);
    REQUIRE(texts.size() == 2);
    CHECK(texts[0].starts_with("boot.grub-device-gone on /dev/disk/by-id/ata-old: "));
    CHECK(texts[1].starts_with("boot.not-renewed on /dev/disk/by-id/ata-sdb: "));
    CHECK(texts[1].ends_with(" -> dpkg-reconfigure grub-pc"));
}

}  // namespace
}  // namespace belay::storage::health_boot_code_test
