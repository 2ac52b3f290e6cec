#include "storage/tables.h"

#include "base/testing/must.h"

namespace belay::storage::tables_test {
namespace {

using Texts = std::vector<std::string>;

const std::string digest(64, 'a');

}  // namespace

TEST_CASE("swap areas on devices and in files, with their sizes in bytes")
{
    const std::vector<SwapArea> areas = parse_swaps(
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/ubdc                               partition\t204796\t\t12\t\t5\n"
        "/srv/my\\040swap file\t1024\t\t0\t\t-2\n"
        "/dev/sdb1 partition many 0 1\n");
    REQUIRE(areas.size() == 2);
    CHECK(areas[0].path == "/dev/ubdc");
    CHECK(!areas[0].is_file);
    CHECK(areas[0].size == Bytes{204796ULL << 10});
    CHECK(areas[0].used == Bytes{12 << 10});
    CHECK(areas[0].priority == 5);
    CHECK(areas[1].path == "/srv/my swap");
    CHECK(areas[1].is_file);
    CHECK(areas[1].priority == -2);
    CHECK(parse_swaps("").empty());
    CHECK(parse_swaps("Filename\tType\n").empty());
}

TEST_CASE("pools of zpool list; what is not known is a dash")
{
    const auto pools =
        must(parse_zpool_list("tank\t1234567890123456789\t1000\t900\t100\t90\tDEGRADED\n"
                              "gone\t99\t-\t-\t-\t-\tFAULTED\n"));
    REQUIRE(pools.size() == 2);
    CHECK(pools[0].name == "tank");
    CHECK(pools[0].guid == "1234567890123456789");
    CHECK(pools[0].size == 1000);
    CHECK(pools[0].allocated == 900);
    CHECK(pools[0].free == 100);
    CHECK(pools[0].capacity_percent == 90);
    CHECK(pools[0].health == "DEGRADED");
    CHECK(!pools[1].size);
    CHECK(must(parse_zpool_list("")).empty());
    for (const char* broken :
         {"tank\t1\t2\n", "\t1\t2\t3\t4\t5\tONLINE\n", "no pools available\n", "a\x01b\n"})
        CHECK_MESSAGE(!parse_zpool_list(broken), broken);
}

TEST_CASE("datasets and volumes of zfs list")
{
    const auto datasets =
        must(parse_zfs_list("tank\tfilesystem\t10\t20\t5\t-\t/srv/my data\tyes\n"
                            "tank/legacy\tfilesystem\t10\t20\t5\t-\tlegacy\tno\n"
                            "tank/vol\tvolume\t10\t20\t5\t4096\t-\t-\n"));
    REQUIRE(datasets.size() == 3);
    CHECK(datasets[0].mountpoint == "/srv/my data");
    CHECK(datasets[0].mounted);
    CHECK(datasets[0].used == 10);
    CHECK(!datasets[1].mounted);
    CHECK(datasets[2].type == "volume");
    CHECK(datasets[2].volume_size == 4096);
    CHECK(datasets[2].mountpoint.empty());
    CHECK(!parse_zfs_list("tank\tfilesystem\n"));
}

TEST_CASE("digests, with names that sha256sum had to escape and names with blanks")
{
    const auto files = must(parse_digests(digest + "  /boot/efi/EFI/a file\n\\" + digest +
                                          "  odd\\nna\\\\me\n" + digest + " *binary\n" + digest + "  -\n"));
    REQUIRE(files.size() == 4);
    CHECK(files[0].path == "/boot/efi/EFI/a file");
    CHECK(files[0].digest == digest);
    CHECK(files[1].path == "odd\nna\\me");
    CHECK(files[2].path == "binary");
    CHECK(files[3].path == "-");
    CHECK(must(parse_digests("")).empty());
    CHECK(!parse_digests("sha256sum: x: Input/output error\n"));
    CHECK(!parse_digests(digest.substr(1) + "  short\n"));
    CHECK(!parse_digests(digest + "\n"));
    CHECK(!parse_digests(digest + "  cut"));
}

TEST_CASE("the files that mdir lists, without the folders")
{
    CHECK(must(parse_mdir("::/EFI/\n::/EFI/BOOT/\n::/EFI/BOOT/A long name.EFI\n::/grub.cfg\n")) ==
          Texts{"EFI/BOOT/A long name.EFI", "grub.cfg"});
    CHECK(must(parse_mdir("")).empty());
    CHECK(!parse_mdir("init :: non DOS media\n"));
}

}  // namespace belay::storage::tables_test
