#include "storage/efi_entries.h"

#include "base/testing/must.h"

using namespace belay;
using namespace belay::storage::efi;

namespace {

// efibootmgr 17 under OVMF, after an entry was made for a second disk and not yet put into the order.
constexpr const char* of_version_17 =
    "BootCurrent: 0001\n"
    "Timeout: 0 seconds\n"
    "BootOrder: 0001,0000,0002,00A1\n"
    "Boot0000* "
    "UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)\n"
    "Boot0001* "
    "debian\tHD(1,GPT,3B3981e6-b1aa-e44f-b7ee-c3a90cec70da,0x800,0x20000)/File(\\EFI\\debian\\grubx64.efi)\n"
    "Boot0002* UEFI Misc Device\tPciRoot(0x0)/Pci(0x1,0x0)N.....YM....R,Y.\n"
    "Boot0005  debian "
    "(LAB-b)\tHD(1,GPT,41956cde-a3ea-2947-b7e2-771f47cea5df,0x800,0x20000)/File(\\EFI\\debian\\shim "
    "x64.EFI)data\n"
    "Boot00A1* old\tHD(1,MBR,0x1a2b3c4d,0x800,0x20000)/File(\\EFI\\x.efi)\n"
    "MirroredPercentageAbove4G: 0.00\n";

// Version 18 leaves File() away.
constexpr const char* of_version_18 =
    "BootCurrent: 0003\nBootOrder: 0003\n"
    "Boot0003* Linux Boot "
    "Manager\tHD(1,GPT,dc5a1a3c-9c3f-4f6a-9a0a-9f3b43f43d2f,0x800,0x100000)/"
    "\\EFI\\systemd\\systemd-bootx64.efi\n"
    "      dp: 04 01 2a 00 / 7f ff 04 00\n";

}  // namespace

TEST_CASE("entries are known by the partition that they start from")
{
    const Entries entries = must(parse_entries(of_version_17));
    CHECK(entries.order == std::vector<std::string>{"0001", "0000", "0002", "00A1"});
    REQUIRE(entries.all.size() == 5);
    const std::vector<Entry> first = entries.of("3b3981e6-b1aa-e44f-b7ee-c3a90cec70da");
    REQUIRE(first.size() == 1);
    CHECK(first[0].number == "0001");
    CHECK(first[0].label == "debian");
    CHECK(first[0].loader == "\\EFI\\debian\\grubx64.efi");
    const std::vector<Entry> second = entries.of("41956cde-a3ea-2947-b7e2-771f47cea5df");
    REQUIRE(second.size() == 1);
    CHECK(second[0].label == "debian (LAB-b)");
    CHECK(second[0].loader == "\\EFI\\debian\\shim x64.EFI");
    // Those of the firmware itself, and of an MBR, start from no GPT partition.
    CHECK(entries.of("").empty());
    CHECK(entries.all[4].partuuid.empty());
}

TEST_CASE("version 18 is read as well")
{
    const Entries entries = must(parse_entries(of_version_18));
    REQUIRE(entries.all.size() == 1);
    CHECK(entries.all[0].loader == "\\EFI\\systemd\\systemd-bootx64.efi");
    CHECK(entries.all[0].partuuid == "dc5a1a3c-9c3f-4f6a-9a0a-9f3b43f43d2f");
}

TEST_CASE("a firmware without entries is no error, another text is")
{
    CHECK(must(parse_entries("No BootOrder is set; firmware will attempt recovery\n")).all.empty());
    CHECK_FALSE(parse_entries("").has_value());
    CHECK_FALSE(parse_entries("EFI variables are not supported on this system.\n").has_value());
    CHECK(must(parse_entries("BootOrder: \nBootXYZW* no\nBoot0001*no\nBoot0001\n")).all.empty());
    // Cut short in a path: the label is known, the place is not.
    const Entries cut = must(parse_entries("BootOrder: 0001\nBoot0001* debian\tHD(1,GPT,3b3981e6"));
    REQUIRE(cut.all.size() == 1);
    CHECK(cut.all[0].partuuid.empty());
}
