// Filesystems that were damaged or cut, anywhere: they are saved whole, or nothing that they use is left out.

#include "images.h"

#include <random>

namespace belay::backup {
namespace {

/// A damaged image, put right again by the next one.
class Damage {
  public:
    explicit Damage(std::string path) : path_(std::move(path)), size_(std::filesystem::file_size(path_)) {}

    UsedBlocks look() const { return must(used_blocks(*host_, path_, std::filesystem::file_size(path_))); }
    uint64_t size() const { return size_; }

    /// What is found when `bytes` stand at `offset`.
    UsedBlocks look_with(uint64_t offset, const std::string& bytes) const
    {
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        std::string before(bytes.size(), '\0');
        file.seekg(static_cast<std::streamoff>(offset));
        file.read(before.data(), static_cast<std::streamsize>(before.size()));
        write(file, offset, bytes);
        UsedBlocks used = look();
        write(file, offset, before);
        return used;
    }

  private:
    static void write(std::fstream& file, uint64_t offset, const std::string& bytes)
    {
        file.seekp(static_cast<std::streamoff>(offset));
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        REQUIRE(file.flush().good());
    }

    std::unique_ptr<host::Host> host_ = host::real_host();
    std::string path_;
    uint64_t size_;
};

/// Whether all of `needed` is in `used`.
bool covers(const Extents& used, const Extents& needed)
{
    return std::ranges::all_of(needed, [&](const Extent& one) {
        return std::ranges::any_of(
            used, [&](const Extent& has) { return has.offset <= one.offset && one.end() <= has.end(); });
    });
}

/// Damages an image at random, mostly where its tables are; how often that was seen.
int damage_at_random(const Damage& image, int rounds, unsigned seed)
{
    const UsedBlocks sound = image.look();
    REQUIRE(!sound.is_whole());
    std::mt19937_64 random(seed);
    int seen = 0;
    for (int round = 0; round < rounds; ++round) {
        const Extent& some = sound.extents[random() % std::min<size_t>(sound.extents.size(), 4)];
        const uint64_t reach = std::min<uint64_t>(some.length, random() % 2 == 0 ? 4096 : 256 << 10);
        const uint64_t offset = some.offset + random() % reach;
        // One bit, some bytes, or a whole sector.
        std::string bytes(std::array<size_t, 3>{1, 4, 512}[random() % 3], '\0');
        for (char& c : bytes) c = static_cast<char>(random() % 3 == 0 ? 0xff : random());
        if (offset + bytes.size() > image.size()) continue;
        const UsedBlocks used = image.look_with(offset, bytes);
        CAPTURE(offset);
        CAPTURE(bytes.size());
        CHECK(covers(used.extents, sound.extents));
        CHECK(used.extents.back().end() <= image.size());
        seen += used.is_whole();
    }
    CHECK(covers(image.look().extents, sound.extents));
    return seen;
}

/// The first half of it, as a device that was made too small.
void check_cut(const Scratch& scratch)
{
    std::filesystem::resize_file(scratch.path("image"),
                                 std::filesystem::file_size(scratch.path("image")) / 2);
    const UsedBlocks used = Damage(scratch.path("image")).look();
    CHECK(used.is_whole());
    std::filesystem::resize_file(scratch.path("image"), 4096);
    CHECK(Damage(scratch.path("image")).look().is_whole());
    std::filesystem::resize_file(scratch.path("image"), 0);
    CHECK(Damage(scratch.path("image")).look().extents.empty());
}

TEST_CASE("damaged ext filesystems lose nothing that they use")
{
    const Scratch scratch;
    scratch.make_tree();
    SUBCASE("with checksums")
    {
        make_ext(scratch, "image", "ext4", 16 << 20);
    }
    SUBCASE("without")
    {
        make_ext(scratch, "image", "ext2", 16 << 20, {"-b", "1024"});
    }
    CHECK(damage_at_random(Damage(scratch.path("image")), 300, 1) > 5);
    check_cut(scratch);
}

TEST_CASE("a damaged XFS loses nothing that it uses")
{
    const Scratch scratch;
    make_xfs(scratch, "image");
    CHECK(damage_at_random(Damage(scratch.path("image")), 10, 2) > 1);
    check_cut(scratch);
}

TEST_CASE("a damaged NTFS loses nothing that it uses")
{
    const Scratch scratch;
    make_ntfs(scratch, "image", 16 << 20);
    const Damage image(scratch.path("image"));
    CHECK(damage_at_random(image, 300, 3) > 20);
    check_cut(scratch);
}

TEST_CASE("an NTFS whose bitmap lacks clusters of a file is saved whole")
{
    const Scratch scratch;
    make_ntfs(scratch, "image", 16 << 20);
    const std::string bitmap = Scratch::run({"ntfscat", "-i", "6", scratch.path("image")});
    const size_t at = scratch.read("image").find(bitmap);
    REQUIRE(at != std::string::npos);
    const size_t last_used = bitmap.find_last_of('\xff');
    REQUIRE(last_used != std::string::npos);
    const UsedBlocks used = Damage(scratch.path("image")).look_with(at + last_used - 8, "\x7f");
    CHECK(used.is_whole());
    CHECK(used.why_whole.find("lacks clusters") != std::string::npos);
}

}  // namespace
}  // namespace belay::backup
