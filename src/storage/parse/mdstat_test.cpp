#include "storage/parse/mdstat.h"

#include "base/json.h"
#include "base/testing/must.h"

namespace belay::storage::parse::mdstat_test {
namespace {

constexpr std::string_view many = R"(Personalities : [raid1] [raid10] [raid6] [raid5] [raid4] [faulty]
md0 : active raid1 sda1[0] nvme0n1p1[2](W)(S) sdb1[1](F) sdc1[3](R)
      1046528 blocks super 1.2 [2/1] [U_]
      [=>...................]  recovery =  8.5% (88960/1046528) finish=2.5min speed=4448K/sec
      bitmap: 1/8 pages [4KB], 65536KB chunk, file: /var/lib/bitmap, of md0

md1 : active (auto-read-only) raid10 sda2[0] sdb2[1] sdc2[2] sdd2[3]
      2093056 blocks super 1.2 512K chunks 2 near-copies 2 offset-copies [4/4] [UUUU]
      	resync=PENDING

md_d2 : active raid5 sdg1[4](J) sda3[0] sdb3[1] dm-3[2]
      4186112 blocks super 1.1 level 5, 64k chunk, algorithm 2 [3/3] [UUU]
      [>....................]  check =  0.0% (0/2093056) finish=17435.9min speed=0K/sec

md126 : active raid1 sdb[1] sda[0]
      1047552 blocks super external:/md127/vol0 [2/2] [UU]
      resync=DELAYED

md127 : inactive sdb[1](S) sda[0](S)
      2210 blocks super external:imsm

md5 : broken raid0 sde1[0]
      1046528 blocks super 1.2 512k chunks

md6 : active faulty sdf1[0]
      1046528 blocks super non-persistent nfaults=0
      something that no kernel says yet

unused devices: sdx1 sdy1
)";

std::string refusal_of(std::string_view text)
{
    const auto parsed = parse_mdstat(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == ErrorKind::corrupt);
    return parsed.error().what;
}

TEST_CASE("mdstat: a mirror that recovers, with its members' flags and a bitmap file")
{
    const Mdstat mdstat = must(parse_mdstat(many));
    CHECK(mdstat.personalities ==
          std::vector<std::string>{"raid1", "raid10", "raid6", "raid5", "raid4", "faulty"});
    CHECK(mdstat.unused == std::vector<std::string>{"sdx1", "sdy1"});
    REQUIRE(mdstat.arrays.size() == 7);
    const MdstatArray& array = mdstat.arrays[0];
    CHECK(array.name == "md0");
    CHECK(array.state == "active");
    CHECK(array.level == "raid1");
    CHECK(array.size == 1046528ull * 1024);
    CHECK(array.metadata == "1.2");
    CHECK(array.legs == 2);
    CHECK(array.in_sync == 1);
    CHECK(array.slots == "U_");
    REQUIRE(array.members.size() == 4);
    CHECK(array.members[1].device == "nvme0n1p1");
    CHECK(array.members[1].number == 2);
    CHECK(array.members[1].write_mostly);
    CHECK(array.members[1].spare);
    CHECK(array.members[2].faulty);
    CHECK(array.members[3].replacement);
    REQUIRE(array.sync);
    CHECK(array.sync->action == "recovery");
    CHECK(array.sync->percent == 8.5);
    CHECK(array.sync->done == 88960ull * 1024);
    CHECK(array.sync->total == 1046528ull * 1024);
    CHECK(array.sync->seconds_left == 150);
    CHECK(array.sync->per_second == 4448ull * 1024);
    REQUIRE(array.bitmap);
    CHECK(array.bitmap->pages == 1);
    CHECK(array.bitmap->pages_total == 8);
    CHECK(array.bitmap->memory == 4096);
    CHECK(array.bitmap->chunk == 64 << 20);
    CHECK(array.bitmap->file == "/var/lib/bitmap, of md0");
}

TEST_CASE("mdstat: layouts, journals, containers, and a sync that waits")
{
    const Mdstat mdstat = must(parse_mdstat(many));
    const MdstatArray& striped = mdstat.arrays[1];
    CHECK(striped.access == "auto-read-only");
    CHECK(striped.layout == "2 near-copies 2 offset-copies");
    CHECK(striped.chunk == 512 << 10);
    CHECK(striped.sync->waits == "PENDING");
    CHECK(!striped.sync->percent);
    const MdstatArray& parity = mdstat.arrays[2];
    CHECK(parity.name == "md_d2");
    CHECK(parity.members[0].journal);
    CHECK(parity.members[3].device == "dm-3");
    CHECK(parity.algorithm == 2);
    CHECK(parity.sync->action == "check");
    CHECK(parity.sync->percent == 0);
    const MdstatArray& contained = mdstat.arrays[3];
    CHECK(contained.container == "md127");
    CHECK(contained.subarray == "vol0");
    CHECK(contained.sync->waits == "DELAYED");
    const MdstatArray& container = mdstat.arrays[4];
    CHECK(container.state == "inactive");
    CHECK(container.level.empty());
    CHECK(container.metadata == "imsm");
    CHECK(mdstat.arrays[5].state == "broken");
    CHECK(mdstat.arrays[6].metadata == "non-persistent");
}

TEST_CASE("mdstat: a kernel without arrays, and the form of kernels before 2.6")
{
    CHECK(must(parse_mdstat("Personalities : \nunused devices: <none>\n")).arrays.empty());
    const Mdstat old =
        must(parse_mdstat("Personalities : [raid1]\nread_ahead 1024 sectors\nEvent: 2\n"
                          "md0 : active(read-only) raid1 ide/host0/disc[0] hdc1[1]\n"
                          "      4200896 blocks [2/2] [UU]\n\nunused devices: <none>\n"));
    REQUIRE(old.arrays.size() == 1);
    CHECK(old.arrays[0].access == "read-only");
    CHECK(old.arrays[0].members[0].device == "ide/host0/disc");
    CHECK(old.arrays[0].metadata == "0.90");
}

TEST_CASE("mdstat: what is empty, foreign or cut anywhere is refused")
{
    CHECK(refusal_of("") == "there is nothing to read: `cat /proc/mdstat` printed no text");
    CHECK(refusal_of("hello\n") ==
          "this is no output of `cat /proc/mdstat`: line 1: it does not begin with \"Personalities :\"");
    CHECK(refusal_of(std::string_view("a\0b", 3)).find("line 1: there are bytes") != std::string::npos);
    const size_t end = many.find("unused");
    for (size_t length = 0; length < end; ++length) CHECK(!parse_mdstat(many.substr(0, length)));
    CHECK(refusal_of("Personalities : [raid1]\nmd0 : active raid1 sda1[x]\nunused devices: <none>\n")
              .find("line 2: \"sda1[x]\" is no member of md0") != std::string::npos);
    CHECK(refusal_of("Personalities : [raid1]\nmd0 : active raid1 sda1[0]\n      8 blocks [2/1] [U]\n"
                     "unused devices: <none>\n")
              .find("md0 has 2 legs, and 1 are shown") != std::string::npos);
    CHECK(refusal_of("Personalities : [raid1]\nmd0 : active raid1 sda1[0]\n      8 blocks [1/1] [U]\n"
                     "      [>....]  resync = lots\nunused devices: <none>\n")
              .find("line 4: ") != std::string::npos);
}

TEST_CASE("mdstat: as JSON, absent things are absent")
{
    const Json json = must(parse_mdstat(many));
    CHECK(json["arrays"][4] == Json::parse(R"({"name": "md127", "state": "inactive", "metadata": "imsm",
        "size": 2263040, "members": [{"device": "sdb", "number": 1, "flags": ["S"], "spare": true},
                                     {"device": "sda", "number": 0, "flags": ["S"], "spare": true}]})"));
}

}  // namespace
}  // namespace belay::storage::parse::mdstat_test
