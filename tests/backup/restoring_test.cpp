// What was saved comes back to the last bit, whoever saved it; and what cannot come back is told.

#include "backup/backend/local.h"
#include "backup/backend/memory.h"
#include "backup/pipeline/blob_writer.h"
#include "backup/pipeline/restored_file.h"
#include "backup/pipeline/verifying.h"
#include "notes.h"
#include "scratch.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>

namespace belay::backup {
namespace {

/// Restores the newest snapshot to `back`.
void restore(const Scratch& scratch, RestoringNotes& notes, RestoringSummary& summary, bool sparse = false)
{
    const Repository repository = opened(scratch);
    const Snapshot newest = must(repository.snapshots(no_problem)).back();
    must(restore_tree(repository, newest.tree, {.target = scratch.path("back"), .sparse = sparse}, notes,
                      summary));
}

/// The attribute user.note of a file; empty where there is none.
std::string note_of(const std::string& path)
{
    std::string value(100, '\0');
    const ssize_t length = ::getxattr(path.c_str(), "user.note", value.data(), value.size());
    value.resize(length < 0 ? 0 : static_cast<size_t>(length));
    return value;
}

void is_alike(const Scratch& scratch)
{
    const std::string restored = scratch.path("back") + scratch.path("tree");
    Scratch::run(
        {"diff", "--recursive", "--no-dereference", "--exclude=fifo", scratch.path("tree"), restored});
    const auto listed = [](const std::string& folder) {
        return Scratch::run({"find", folder, "-printf", "%P %y %m %s %T@ %U %G %n %l\\n"});
    };
    CHECK(listed(restored) == listed(scratch.path("tree")));
    CHECK(note_of(restored + "/small") == note_of(scratch.path("tree/small")));
}

TEST_CASE("Belay restores what restic has saved, in both formats")
{
    for (const char* version : {"2", "1"}) {
        const Scratch scratch;
        scratch.make_tree();
        scratch.restic({"init", "--repository-version", version});
        scratch.restic({"backup", scratch.path("tree")});
        RestoringNotes notes;
        RestoringSummary summary;
        restore(scratch, notes, summary);
        CHECK(notes.problems.empty());
        CHECK(summary.bytes.load() == summary.bytes_done.load());
        is_alike(scratch);
    }
}

TEST_CASE("a restore that was cut short goes on where it was: what is there is not written again")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    RestoringNotes notes;
    RestoringSummary first, second;
    restore(scratch, notes, first);
    const std::string large = "back" + scratch.path("tree/large");
    std::string damaged = scratch.read(large);
    damaged[3 << 20] = static_cast<char>(damaged[3 << 20] ^ 1);
    scratch.write(large, damaged);
    restore(scratch, notes, second);
    CHECK(notes.problems.empty());
    CHECK(second.bytes_there.load() < second.bytes.load());
    CHECK(second.bytes_there.load() > second.bytes.load() / 3);
    is_alike(scratch);
}

TEST_CASE("zeros become holes where that was asked for")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    RestoringNotes notes;
    RestoringSummary summary;
    restore(scratch, notes, summary, true);
    is_alike(scratch);
    struct stat status = {};
    REQUIRE(::stat((scratch.path("back") + scratch.path("tree/folder/zeros")).c_str(), &status) == 0);
    CHECK(status.st_size == 3 << 20);
    CHECK(status.st_blocks < 100);
}

TEST_CASE("long zeros get room of their own, in a new file; what stood in their place is overwritten")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    RestoringNotes notes;
    RestoringSummary summary;
    restore(scratch, notes, summary);
    is_alike(scratch);
    const std::string zeros = "back" + scratch.path("tree/folder/zeros");
    struct stat status = {};
    REQUIRE(::stat(scratch.path(zeros).c_str(), &status) == 0);
    CHECK(status.st_blocks * 512 >= 3 << 20);
    scratch.write(zeros, std::string(3 << 20, 'x'));
    restore(scratch, notes, summary);
    is_alike(scratch);
    CHECK(notes.problems.empty());
}

TEST_CASE("many blobs of one file come back by many threads, each to its place")
{
    const Scratch scratch;
    std::filesystem::create_directories(scratch.path("tree"));
    // Chunks of different sizes, and runs of zeros between them that are all the same blob.
    std::string text;
    for (unsigned part = 0; part < 9; ++part)
        text += Scratch::random_text((part + 1) << 19, part) + std::string(17 << 20, '\0');
    scratch.write("tree/large", text);
    init(scratch);
    scratch.restic({"backup", "--pack-size", "4", scratch.path("tree")});
    const Repository repository = opened(scratch);
    const Snapshot newest = must(repository.snapshots(no_problem)).back();
    for (const bool sparse : {false, true}) {
        for (const bool past_cache : {false, true}) {
            const std::string target = fmt::format("back-{}-{}", sparse, past_cache);
            RestoringNotes notes;
            RestoringSummary summary;
            must(restore_tree(repository, newest.tree,
                              {.target = scratch.path(target),
                               .sparse = sparse,
                               .threads = 8,
                               .page_cache = past_cache ? 0 : UINT64_MAX},
                              notes, summary));
            CHECK(notes.problems.empty());
            CHECK(summary.files == 1);
            CHECK((scratch.read(target + scratch.path("tree/large")) == text));
        }
    }
}

/// The share of a file that lies in the page cache.
double share_in_memory(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status = {};
    REQUIRE(::fstat(file.number(), &status) == 0);
    const auto size = static_cast<size_t>(status.st_size);
    void* const map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
    REQUIRE(map != MAP_FAILED);
    std::vector<unsigned char> pages(size / static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + 1);
    CHECK(::mincore(map, size, pages.data()) == 0);
    ::munmap(map, size);
    const auto there = std::ranges::count_if(pages, [](unsigned char page) { return (page & 1U) != 0; });
    return static_cast<double>(there) / static_cast<double>(pages.size());
}

TEST_CASE("of more than the page cache takes, large pieces do not go through it")
{
    const Scratch scratch;
    struct statfs filesystem = {};
    REQUIRE(::statfs(scratch.path("").c_str(), &filesystem) == 0);
    // All that lies there lies in memory.
    if (filesystem.f_type == TMPFS_MAGIC) return;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    const Repository repository = opened(scratch);
    const Snapshot newest = must(repository.snapshots(no_problem)).back();
    for (const bool past_cache : {false, true}) {
        RestoringNotes notes;
        RestoringSummary summary;
        must(restore_tree(repository, newest.tree,
                          {.target = scratch.path("back"), .page_cache = past_cache ? 0 : UINT64_MAX}, notes,
                          summary));
        CHECK(notes.problems.empty());
        const double share = share_in_memory(scratch.path("back") + scratch.path("tree/large"));
        if (past_cache)
            CHECK(share < 0.2);
        else
            CHECK(share > 0.8);
        is_alike(scratch);
        std::filesystem::remove_all(scratch.path("back"));
    }
}

TEST_CASE("what goes past the page cache is the same wherever it lies in memory and in the file")
{
    const Scratch scratch;
    std::string bytes(3 * disk_block + 1000, '\0');
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
    std::string memory(bytes.size() + 2 * disk_block, '\0');
    const size_t whole = (disk_block - reinterpret_cast<uintptr_t>(memory.data()) % disk_block) % disk_block;
    for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, disk_block - 1, disk_block, disk_block + 77}) {
        for (const uint64_t place : {uint64_t{0}, uint64_t{16}, offset % disk_block}) {
            const std::string path = scratch.path("file");
            std::string expected(offset, '\0');
            expected += bytes;
            char* const data = memory.data() + whole + place;
            std::ranges::copy(bytes, data);
            {
                RestoredFile file = must(RestoredFile::open(path));
                if (!must(file.write_past_cache(offset, {data, bytes.size()})))
                    must(file.write(offset, {data, bytes.size()}));
            }
            CHECK(scratch.read("file") == expected);
            std::filesystem::remove(path);
        }
    }
}

TEST_CASE(
    "where another has the repository nothing that is there is touched, and nothing is told to be missing")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    const Repository repository = opened(scratch);
    const Snapshot newest = must(repository.snapshots(no_problem)).back();
    std::filesystem::remove_all(scratch.path("repository/data"));
    const auto restores = [&](RestoringNotes& notes) {
        RestoringSummary summary;
        return restore_tree(
            repository, newest.tree,
            {.target = scratch.path("back"),
             .may_write = []() -> Result<void> { return fail(ErrorKind::busy, "another was faster"); }},
            notes, summary);
    };
    RestoringNotes notes;
    CHECK(restores(notes).error().kind == ErrorKind::busy);
    CHECK(notes.problems.empty());
    CHECK_FALSE(std::filesystem::exists(scratch.path("back")));
}

TEST_CASE("what lies in a damaged pack is told, and all the rest comes back")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    const Repository repository = opened(scratch);
    const Snapshot newest = must(repository.snapshots(no_problem)).back();
    // One byte of a blob of the large file.
    const Id chunk = Id::of(scratch.read("tree/small"));
    const StoredBlob small = repository.blobs().find(BlobType::data, chunk).value();
    const std::string pack = "repository/data/" + small.pack.hex().substr(0, 2) + "/" + small.pack.hex();
    std::string bytes = scratch.read(pack);
    bytes[small.blob.offset + 20] = static_cast<char>(bytes[small.blob.offset + 20] ^ 1);
    std::filesystem::remove(scratch.path(pack));
    scratch.write(pack, bytes);
    RestoringNotes notes;
    RestoringSummary summary;
    restore(scratch, notes, summary);
    // The damaged file and its other name.
    REQUIRE(notes.problems.size() == 2);
    const auto& [first, second] = std::pair(*notes.problems.begin(), *std::next(notes.problems.begin()));
    CHECK(first.second.find("MAC does not fit") != std::string::npos);
    CHECK(second.second.find("is another name of " + first.first) != std::string::npos);
    for (const std::string& path : {first.first, second.first}) CHECK_FALSE(std::filesystem::exists(path));
    CHECK(scratch.read("back" + scratch.path("tree/large")) == scratch.read("tree/large"));
}

TEST_CASE("nothing is written beside the target, whatever is in its place")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    std::filesystem::create_directories(scratch.path("elsewhere"));
    std::filesystem::create_directories(scratch.path("back") + scratch.path(""));
    std::filesystem::create_symlink(scratch.path("elsewhere"), scratch.path("back") + scratch.path("tree"));
    RestoringNotes notes;
    RestoringSummary summary;
    restore(scratch, notes, summary);
    CHECK(notes.problems.at(scratch.path("back") + scratch.path("tree")).find("is no folder") !=
          std::string::npos);
    CHECK(std::filesystem::is_empty(scratch.path("elsewhere")));
}

/// A snapshot of a tree with a file of several stretches, restored to `back`.
class Restored : public Scratch {
  public:
    Restored()
    {
        make_tree();
        write("tree/huge", random_text(20 << 20, 12));
        init(*this);
        restic({"backup", path("tree")});
        RestoringSummary summary;
        restore(*this, notes, summary);
        REQUIRE(notes.problems.empty());
        files = summary.files;
        bytes = summary.bytes;
    }
    /// A restored file, for write() and read().
    std::string back(const std::string& name) const { return "back" + path("tree/" + name); }
    void change_a_byte(const std::string& name, size_t at) const
    {
        std::string content = read(back(name));
        content.at(at) = static_cast<char>(content[at] ^ 1);
        write(back(name), content);
    }
    void verify(std::function<bool(const std::string&, bool)> is_wanted = {})
    {
        const Repository repository = opened(*this);
        const Snapshot newest = must(repository.snapshots(no_problem)).back();
        verified.files = verified.bytes = verified.problems = 0;
        must(verify_tree(repository, newest.tree, {.target = path("back"), .is_wanted = std::move(is_wanted)},
                         notes, verified));
        CHECK(verified.problems == notes.problems.size());
    }
    /// What was told of a restored file.
    std::string told(const std::string& name) { return notes.problems[path(back(name))]; }

    RestoringNotes notes;
    VerifyingSummary verified;
    uint64_t files = 0, bytes = 0;
};

TEST_CASE("what was restored is read back whole, and found right")
{
    Restored scratch;
    struct stat before = {}, after = {};
    REQUIRE(::stat(scratch.path(scratch.back("small")).c_str(), &before) == 0);
    scratch.verify();
    CHECK(scratch.notes.problems.empty());
    CHECK(scratch.verified.files == scratch.files);
    CHECK(scratch.verified.bytes == scratch.bytes);
    REQUIRE(::stat(scratch.path(scratch.back("small")).c_str(), &after) == 0);
    CHECK(before.st_atim.tv_sec == after.st_atim.tv_sec);
}

TEST_CASE("each restored file that differs from the snapshot is named once, and so is what cannot be read")
{
    Restored scratch;
    // Two bytes of one file, in stretches that two workers read.
    scratch.change_a_byte("huge", 5);
    scratch.change_a_byte("huge", (20 << 20) - 1);
    scratch.change_a_byte("folder/text", 7);
    scratch.write(scratch.back("large"), scratch.read("tree/large") + "x");
    std::filesystem::remove(
        scratch.path(scratch.back("folder/deeper/gr\xc3\xbc\xc3\x9f"
                                  "e")));
    const std::string zeros = scratch.path(scratch.back("folder/zeros"));
    std::filesystem::remove(zeros);
    std::filesystem::create_symlink(scratch.path("tree/folder/zeros"), zeros);
    // Another name that leads elsewhere, to what differs.
    const std::string hard = scratch.path(scratch.back("folder/hard"));
    std::filesystem::remove(hard);
    scratch.write(scratch.back("folder/hard"), "A few bytes\n");
    scratch.verify();
    CHECK(scratch.notes.problems.size() == 6);
    CHECK(scratch.verified.files == scratch.files - 5);
    CHECK(scratch.told("huge").find("differs from the snapshot in bytes ") != std::string::npos);
    CHECK(scratch.told("folder/text").find("differs from the snapshot in bytes 0 to 200004") !=
          std::string::npos);
    CHECK(scratch.told("large").find("has 5242881 bytes; in the snapshot it has 5242880") !=
          std::string::npos);
    CHECK(scratch.told("folder/zeros").find("cannot open") == 0);
    CHECK(scratch.told("folder/hard").find("differs from the snapshot") != std::string::npos);
}

TEST_CASE("what is not wanted is not verified")
{
    Restored scratch;
    scratch.change_a_byte("folder/text", 7);
    scratch.verify([](const std::string& path, bool) { return !path.ends_with("/text"); });
    CHECK(scratch.notes.problems.empty());
    CHECK(scratch.verified.files == scratch.files - 1);
}

}  // namespace
}  // namespace belay::backup
