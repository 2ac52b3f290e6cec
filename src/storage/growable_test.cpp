#include "storage/growable.h"

#include <doctest/doctest.h>

namespace belay::storage::growable {
namespace {

// As e2fsprogs 1.47.0 and xfsprogs 6.1.0 print them.
constexpr std::string_view ext =
    "Filesystem volume name:   <none>\n"
    "Filesystem state:         clean\n"
    "Inode count:              16384\n"
    "Block count:              65536\n"
    "Reserved block count:     3276\n"
    "Block size:               1024\n";
constexpr std::string_view xfs =
    "meta-data=/dev/md0               isize=512    agcount=4, agsize=20480 blks\n"
    "         =                       sectsz=512   attr=2, projid32bit=1\n"
    "data     =                       bsize=4096   blocks=81920, imaxpct=25\n"
    "         =                       sunit=0      swidth=0 blks\n"
    "naming   =version 2              bsize=4096   ascii-ci=0, ftype=1\n"
    "log      =internal log           bsize=4096   blocks=16384, version=2\n";

}  // namespace

TEST_CASE("the size and the state of an ext filesystem are read out of its header")
{
    const Result<Ext> found = parse_dumpe2fs(ext);
    REQUIRE(found);
    CHECK(found->blocks == 65536);
    CHECK(found->block_size == 1024);
    CHECK(found->state == "clean");
}

TEST_CASE("the size of an XFS is that of its data, not of its log")
{
    const Result<Bytes> found = parse_xfs_geometry(xfs);
    REQUIRE(found);
    CHECK(found->count == 81920ULL * 4096);
}

TEST_CASE("what is cut, foreign or beyond any size is refused, and nothing is guessed")
{
    for (const std::string_view text :
         {std::string_view(""), ext.substr(0, 90), xfs, std::string_view("Block count: 1\nBlock size: 0\n"),
          std::string_view(
              "Filesystem state: clean\nBlock count: 99999999999999999\nBlock size: 99999999\n")})
        CHECK_FALSE(parse_dumpe2fs(text));
    for (const std::string_view text :
         {std::string_view(""), ext, xfs.substr(0, 150), std::string_view("data = bsize=4096 blocks=-1\n"),
          std::string_view("data = bsize=99999999999 blocks=99999999999\n")})
        CHECK_FALSE(parse_xfs_geometry(text));
}

TEST_CASE("the plan shows what will run: a filesystem that is not mounted is checked first")
{
    using Texts = std::vector<std::string>;
    const Bytes before{1 << 20};
    CHECK(grow({"/dev/d", "ext4", "/srv"}, before).commands == Texts{"resize2fs /dev/d"});
    CHECK(grow({"/dev/d", "ext4", ""}, before).commands == Texts{"e2fsck -f -p /dev/d", "resize2fs /dev/d"});
    CHECK(grow({"/dev/d", "xfs", "/srv"}, before).commands == Texts{"xfs_growfs /srv"});
    CHECK(grow({"/dev/d", "LVM2_member", ""}, before).commands == Texts{"lvm pvresize /dev/d"});
    CHECK_FALSE(can_grow({"swap", "", ""}));
}

}  // namespace belay::storage::growable
