// What thin_dump says, in good order and in none. The real tool is asked in
// tests/backup/block_changes_test.cpp.

#include "backup/block/thin_mappings.h"

#include "base/testing/must.h"
#include "host/descriptor.h"

#include <map>
#include <random>
#include <sys/mman.h>

namespace belay::backup {
namespace {

Result<ThinMappings> read_dump(const std::string& text, uint64_t device = 2)
{
    const host::Descriptor file(::memfd_create("dump", MFD_CLOEXEC));
    REQUIRE(file);
    REQUIRE(::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return read_thin_mappings(file.number(), device);
}

/// A dump with these mappings, of blocks of 64 KiB.
std::string dump_of(const std::string& mappings, unsigned blocks)
{
    return fmt::format(
        R"(<superblock uuid="" time="2" transaction="3" flags="0" version="2" )"
        R"(data_block_size="128" nr_data_blocks="0">)"
        R"(<device dev_id="2" mapped_blocks="{}" transaction="1" creation_time="1" snap_time="2">)"
        "{}</device>\n</superblock>\n",
        blocks, mappings);
}

std::string range_text(uint64_t begin, uint64_t data, uint64_t length, unsigned time)
{
    return fmt::format(R"(<range_mapping origin_begin="{}" data_begin="{}" length="{}" time="{}"/>)", begin,
                       data, length, time);
}

std::string single_text(uint64_t place, uint64_t data, unsigned time)
{
    return fmt::format(R"(<single_mapping origin_block="{}" data_block="{}" time="{}"/>)", place, data, time);
}

constexpr uint64_t pool_block = 64 << 10;

}  // namespace

TEST_CASE("a dump of a thin volume tells its blocks, and whether it is as it was made")
{
    const ThinMappings volume =
        must(read_dump(dump_of(range_text(3, 0, 2, 0) + range_text(5, 2, 3, 0) + single_text(9, 7, 0), 6)));
    CHECK(volume.block_size == pool_block);
    CHECK(volume.blocks == 6);
    CHECK(volume.ranges == std::vector<ThinRange>{{3, 0, 5}, {9, 7, 1}});
    CHECK(volume.is_as_created());
    CHECK(mapped(volume, 20 * pool_block) ==
          Extents{{3 * pool_block, 5 * pool_block}, {9 * pool_block, pool_block}});
    CHECK(mapped(volume, 9 * pool_block + 100) ==
          Extents{{3 * pool_block, 5 * pool_block}, {9 * pool_block, 100}});
    CHECK(mapped(volume, 4 * pool_block) == Extents{{3 * pool_block, pool_block}});
    CHECK(!must(read_dump(dump_of(range_text(3, 0, 2, 0) + single_text(5, 9, 1), 3))).is_as_created());
    const ThinMappings empty = must(read_dump(dump_of("", 0)));
    CHECK(mapped(empty, 20 * pool_block).empty());
    CHECK(unshared(empty, volume, 20 * pool_block) == mapped(volume, 20 * pool_block));
    CHECK(unshared(volume, volume, 20 * pool_block).empty());
}

TEST_CASE("a dump that does not agree with itself is not believed")
{
    const std::string good = dump_of(range_text(3, 0, 2, 0) + single_text(9, 7, 0), 3);
    must(read_dump(good));
    CHECK(read_dump(good, 3).error().kind == ErrorKind::corrupt);
    for (const std::string& bad :
         {std::string(), std::string("no such device"), good.substr(0, good.size() / 2),
          dump_of(range_text(3, 0, 2, 0), 3), dump_of(range_text(3, 0, 2, 0) + single_text(4, 7, 0), 3),
          dump_of(range_text(9, 0, 2, 0) + single_text(3, 7, 0), 3), dump_of(range_text(3, 0, 0, 0), 0),
          dump_of(range_text(3, 0, UINT64_MAX, 0), 3), dump_of("<mystery/>", 0),
          dump_of(R"(<single_mapping origin_block="-1" data_block="0" time="0"/>)", 1),
          dump_of(R"(<single_mapping origin_block="1" time="0"/>)", 1),
          std::string("<superblock data_block_size=\"128\"></superblock>"),
          std::string("<superblock data_block_size=\"0\"><device dev_id=\"2\" mapped_blocks=\"0\" "
                      "creation_time=\"0\"/></superblock>")}) {
        CAPTURE(bad);
        const Result<ThinMappings> said = read_dump(bad);
        REQUIRE(!said);
        CHECK(said.error().kind == ErrorKind::corrupt);
    }
}

TEST_CASE("volumes differ where they do not share blocks, however their ranges lie")
{
    std::mt19937_64 random(11);
    for (uint64_t round = 0; round < 300; ++round) {
        constexpr uint64_t places = 40;
        // Few places in the pool, so that ranges join and part.
        const auto volume = [&] {
            std::map<uint64_t, uint64_t> blocks;
            for (uint64_t place = 0; place < places; ++place) {
                const uint64_t chance = random() % 4;
                if (chance != 0) blocks[place] = chance == 1 ? place + 100 : place;
            }
            return blocks;
        };
        const auto mappings = [](const std::map<uint64_t, uint64_t>& blocks) {
            std::string text;
            for (const auto& [place, data] : blocks) text += single_text(place, data, 0);
            return must(read_dump(dump_of(text, static_cast<unsigned>(blocks.size()))));
        };
        const auto one = volume(), other = volume();
        const uint64_t size = places * pool_block - round % 3 * 4096;
        Extents expected;
        for (uint64_t place = 0; place < places; ++place) {
            const auto data = [&](const auto& blocks) {
                const auto found = blocks.find(place);
                return found == blocks.end() ? UINT64_MAX : found->second;
            };
            if (data(one) != data(other))
                append(expected,
                       {place * pool_block, std::min((place + 1) * pool_block, size) - place * pool_block});
        }
        CHECK(unshared(mappings(one), mappings(other), size) == expected);
    }
}

}  // namespace belay::backup
