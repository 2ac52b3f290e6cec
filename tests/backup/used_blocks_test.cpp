// Filesystems made by their own tools: what is used is saved to the last byte, what is not is not, and what
// is damaged is saved whole.

#include "images.h"

#include <sstream>
#include <sys/stat.h>

namespace belay::backup {
namespace {

/// What belongs to a filesystem and not to what it was made over: the used blocks are the image's, all others
/// zeros.
std::string image_of_used(const std::string& device, const Extents& used)
{
    std::string image(device.size(), '\0');
    for (const Extent& one : used) image.replace(one.offset, one.length, device, one.offset, one.length);
    return image;
}

UsedBlocks blocks_of(const Scratch& scratch, const std::string& name)
{
    return must(
        used_blocks(*host::real_host(), scratch.path(name), std::filesystem::file_size(scratch.path(name))));
}

/// Saves "image" and restores it as "back", whose bytes it gives. What restic restores is the same.
std::string round_trip(const Scratch& scratch, const std::string& content, bool with_restic = true)
{
    init(scratch);
    DeviceSavingSummary summary;
    DeviceNotes notes;
    must(save_image(scratch, "image", summary, notes));
    CHECK(notes.problems.empty());
    CHECK(notes.notes == std::vector<std::string>());
    CHECK(summary.content == content);
    CHECK(summary.bytes_done == summary.bytes_used);
    CHECK(summary.bytes_used < summary.bytes_total);
    CHECK(summary.bytes_total == std::filesystem::file_size(scratch.path("image")));

    DeviceRestoringSummary restored;
    must(restore_image(scratch, *summary.snapshot, {.target = scratch.path("back")}, restored, notes));
    CHECK(notes.problems.empty());
    CHECK(restored.bytes_verified == restored.bytes_total);
    struct stat status = {};
    REQUIRE(::stat(scratch.path("back").c_str(), &status) == 0);
    CHECK(static_cast<uint64_t>(status.st_blocks) * 512 <= summary.bytes_used + (2 << 20));

    const std::string back = scratch.read("back");
    CHECK(back == image_of_used(scratch.read("image"), blocks_of(scratch, "image").extents));
    if (!with_restic) return back;
    scratch.restic({"restore", summary.snapshot->hex(), "--target", scratch.path("by-restic")});
    CHECK(back == scratch.read("by-restic/image.img"));
    return back;
}

/// Bytes of what the image was made over that are still in it: in the used blocks that nobody has written.
size_t garbage_in(const std::string& image)
{
    size_t lines = 0;
    for (size_t at = image.find(garbage); at != std::string::npos; at = image.find(garbage, at + 1)) ++lines;
    return lines * garbage.size();
}

/// What dumpe2fs lists as free is zeros; bytes of it. Some blocks are reserved, and nobody has ever written
/// them: those are used.
uint64_t check_free_blocks(const Scratch& scratch, const std::string& image)
{
    std::istringstream lines(Scratch::run({"dumpe2fs", scratch.path("image")}));
    uint64_t block_size = 0, free = 0;
    for (std::string line; std::getline(lines, line);) {
        static_cast<void>(std::sscanf(line.c_str(), "Block size: %lu", &block_size));
        if (!line.starts_with("  Free blocks: ")) continue;
        std::istringstream ranges(line.substr(15));
        for (std::string range; std::getline(ranges, range, ',');) {
            uint64_t first = 0, last = 0;
            const int found = std::sscanf(range.c_str(), "%lu-%lu", &first, &last);
            if (found < 1) continue;
            if (found == 1) last = first;
            const uint64_t length = (last + 1 - first) * block_size;
            const std::string_view bytes = std::string_view(image).substr(first * block_size, length);
            CHECK(bytes.find_first_not_of('\0') == std::string_view::npos);
            free += bytes.size();
        }
    }
    return free;
}

TEST_CASE("ext2, ext3 and ext4 of several layouts come back whole, without what was in free blocks")
{
    const Scratch scratch;
    scratch.make_tree();
    std::filesystem::remove(scratch.path("tree/fifo"));
    std::string type = "ext4";
    std::vector<std::string> more;
    SUBCASE("ext4") {}
    SUBCASE("ext4 with checksums in no place, and blocks of 1 KiB")
    {
        more = {"-b", "1024", "-O", "^metadata_csum,^uninit_bg,^flex_bg"};
    }
    SUBCASE("ext4 with clusters")
    {
        more = {"-O", "bigalloc", "-C", "65536"};
    }
    SUBCASE("ext4 with uninitialised groups")
    {
        more = {"-b", "1024", "-g", "4096", "-O", "metadata_csum,sparse_super2,meta_bg,^resize_inode"};
    }
    SUBCASE("ext3")
    {
        type = "ext3";
    }
    SUBCASE("ext2")
    {
        type = "ext2";
    }
    make_ext(scratch, "image", type, 16 << 20, more);
    const std::string image = round_trip(scratch, type, type == "ext3");
    CHECK(check_free_blocks(scratch, image) > 2 << 20);
    Scratch::run({"e2fsck", "-fn", scratch.path("back")});
    std::filesystem::create_directory(scratch.path("files"));
    Scratch::run({"debugfs", "-R", "rdump / " + scratch.path("files"), scratch.path("back")});
    std::filesystem::remove_all(scratch.path("files/lost+found"));
    Scratch::run({"diff", "-r", "--no-dereference", scratch.path("tree"), scratch.path("files")});
}

TEST_CASE("an XFS comes back whole, without what was in free blocks")
{
    const Scratch scratch;
    make_xfs(scratch, "image");
    const std::string image = round_trip(scratch, "xfs");
    // The rest of the blocks in which the groups have their headers.
    CHECK(garbage_in(image) < 4 * 4096);
    Scratch::run({"xfs_repair", "-n", scratch.path("back")});
    const std::string content = scratch.read("large");
    size_t copies = 0;
    for (size_t at = image.find(content); at != std::string::npos; at = image.find(content, at + 1)) ++copies;
    CHECK(copies == 2);
}

TEST_CASE("an NTFS comes back whole, without what was in free clusters")
{
    const Scratch scratch;
    make_ntfs(scratch, "image", 16 << 20);
    const std::string image = round_trip(scratch, "ntfs");
    Scratch::run({"ntfsfix", "-n", scratch.path("back")});
    CHECK(Scratch::run({"ntfscat", scratch.path("back"), "large"}) == scratch.read("large"));
    // The copy of the boot sector is behind the last cluster.
    CHECK(image.substr(image.size() - 512) == image.substr(0, 512));
    CHECK(garbage_in(image) < 4 * 4096);
    CHECK(garbage_in(scratch.read("image")) > 6 << 20);
}

TEST_CASE("of a swap area the page of its header comes back, and nothing of what was in memory")
{
    const Scratch scratch;
    make_garbage(scratch, "image", 8 << 20);
    CHECK(blocks_of(scratch, "image").is_whole());
    uint64_t page = 4096;
    SUBCASE("pages of 4 KiB") {}
    SUBCASE("pages of 64 KiB, of another machine")
    {
        page = 65536;
    }
    Scratch::run({"mkswap", "--quiet", "--label", "of-memory", "--uuid",
                  "7f1c2b1e-6a51-4a56-9d0c-2f3b1f0b9a11", "--pagesize", std::to_string(page),
                  scratch.path("image")});
    const UsedBlocks used = blocks_of(scratch, "image");
    CHECK(used.content == "swap");
    CHECK(used.extents == Extents{{0, page}});
    const std::string image = round_trip(scratch, "swap");
    CHECK(image.substr(page).find_first_not_of('\0') == std::string::npos);
    const auto identity = [&](const std::string& name) {
        const std::string said = Scratch::run({"blkid", "--probe", "--output", "export", scratch.path(name)});
        return said.substr(said.find('\n'));
    };
    CHECK(identity("back") == identity("image"));
    CHECK(identity("back").find("LABEL=of-memory\nUUID=7f1c2b1e-6a51-4a56-9d0c-2f3b1f0b9a11") !=
          std::string::npos);

    // A machine that sleeps on it wakes up from it.
    std::fstream file(scratch.path("image"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(page) - 10);
    file.write("S1SUSPEND\0", 10);
    file.close();
    CHECK(blocks_of(scratch, "image").content == "swsuspend");
    CHECK(blocks_of(scratch, "image").is_whole());
}

TEST_CASE("signatures of two kinds are nothing to rely on")
{
    const Scratch scratch;
    std::filesystem::create_directory(scratch.path("tree"));
    make_ext(scratch, "image", "ext4", 16 << 20);
    SUBCASE("a partition table in front of a filesystem")
    {
        std::fstream file(scratch.path("image"), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(446);
        file.write("\0\0\0\0\x83\0\0\0\0\x10\0\0\0\x20\0\0", 16);
        file.seekp(510);
        file.write("\x55\xaa", 2);
    }
    SUBCASE("swap and ext4")
    {
        std::fstream file(scratch.path("image"), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4086);
        file.write("SWAPSPACE2", 10);
        file.seekp(1024);
        file.write("\1\0\0\0\377\0\0\0", 8);
    }
    CHECK(blocks_of(scratch, "image").is_whole());
}

}  // namespace
}  // namespace belay::backup
