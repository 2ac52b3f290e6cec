// What a folder of this machine can do to a repository in it: each ends with one clear sentence, and without
// half a file.

#include "backup/backend/local.h"
#include "host/descriptor.h"
#include "mounts.h"
#include "scratch.h"

#include <algorithm>
#include <atomic>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace belay::backup {
namespace {

const std::string kept_text = Scratch::random_text(1 << 20, 9);
const FileName kept_pack{FileKind::pack, Id::of(kept_text)};

std::string path_in(const std::string& folder, const FileName& name)
{
    return fmt::format("{}/data/{}/{}", folder, name.id.hex().substr(0, 2), name.id.hex());
}

/// Runs as somebody who owns nothing, where this is root.
void as_nobody(const std::function<void()>& act)
{
    constexpr uid_t nobody = 65534;
    const bool is_root = ::geteuid() == 0;
    // Of this thread only, unlike seteuid() of the C library.
    std::thread([&] {
        if (is_root) REQUIRE(::syscall(SYS_setresuid, -1, nobody, -1) == 0);
        act();
    }).join();
}

size_t files_below(const std::string& folder)
{
    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        files += entry.is_regular_file() ? 1 : 0;
    return files;
}

TEST_CASE("a full disk is said to be full, leaves no half file, and what was there stays")
{
    const Scratch scratch;
    const std::string folder = scratch.path("small");
    std::filesystem::create_directory(folder);
    with_own_mounts([&] {
        REQUIRE(::mount("none", folder.c_str(), "tmpfs", 0, "size=3m,nr_inodes=1000") == 0);
        LocalBackend place(folder);
        must(place.create());
        must(place.save(kept_pack, kept_text));
        const std::string large = Scratch::random_text(4 << 20, 10);
        const FileName name{FileKind::pack, Id::of(large)};
        const Result<void> saved = place.save(name, large);
        REQUIRE(!saved);
        CHECK(saved.error().kind == ErrorKind::no_space);
        CHECK(saved.error().what.find(name.id.hex()) != std::string::npos);
        CHECK(saved.error().what.ends_with(": No space left on device"));
        CHECK(files_below(folder) == 1);
        CHECK(must(place.load(kept_pack, 0, 0)) == kept_text);
        // There is room again for what is small enough.
        must(place.save({FileKind::lock, Id::of("lock")}, "lock"));
    });
}

TEST_CASE("a read-only place is read, and nothing else")
{
    const Scratch scratch;
    const std::string folder = scratch.path("repository");
    LocalBackend place(folder);
    must(place.create());
    must(place.save(kept_pack, kept_text));
    with_own_mounts([&] {
        make_read_only(folder);
        CHECK(must(place.load(kept_pack, 0, 0)) == kept_text);
        CHECK(must(place.list(FileKind::pack)).size() == 1);
        must(place.save(kept_pack, kept_text));
        const Result<void> saved = place.save({FileKind::lock, Id::of("lock")}, "lock");
        REQUIRE(!saved);
        CHECK(saved.error().kind == ErrorKind::io);
        CHECK(saved.error().what.ends_with(": Read-only file system"));
        const Result<void> removed = place.remove(kept_pack);
        REQUIRE(!removed);
        CHECK(removed.error().what ==
              fmt::format("cannot remove {}: Read-only file system", path_in(folder, kept_pack)));
    });
}

TEST_CASE("who may not is told so")
{
    const Scratch scratch;
    const std::string folder = scratch.path("repository");
    LocalBackend place(folder);
    must(place.create());
    must(place.save(kept_pack, kept_text));
    REQUIRE(::chmod(std::filesystem::path(folder).parent_path().c_str(), 0755) == 0);
    REQUIRE(::chmod(folder.c_str(), 0755) == 0);
    REQUIRE(::chmod((folder + "/data").c_str(), 0) == 0);
    REQUIRE(::chmod((folder + "/locks").c_str(), 0555) == 0);
    REQUIRE(::chmod((folder + "/snapshots").c_str(), 0) == 0);
    as_nobody([&] {
        CHECK(place.load(kept_pack, 0, 0).error().kind == ErrorKind::permission);
        CHECK(place.size(kept_pack).error().kind == ErrorKind::permission);
        CHECK(place.remove(kept_pack).error().kind == ErrorKind::permission);
        CHECK(place.save(kept_pack, kept_text).error().kind == ErrorKind::permission);
        CHECK(place.save({FileKind::lock, Id::of("lock")}, "lock").error().kind == ErrorKind::permission);
        // No list is none of no files: whoever prunes would remove everything.
        CHECK(place.list(FileKind::snapshot).error().kind == ErrorKind::permission);
        CHECK(place.list(FileKind::pack).error().kind == ErrorKind::permission);
        CHECK(place.list(FileKind::lock).has_value());
        const Result<void> created = LocalBackend(folder + "/new/place").create();
        REQUIRE(!created);
        CHECK(created.error().kind == ErrorKind::permission);
        CHECK(created.error().what == fmt::format("cannot make {}/new: Permission denied", folder));
    });
    REQUIRE(::chmod((folder + "/data").c_str(), 0700) == 0);
    REQUIRE(::chmod((folder + "/snapshots").c_str(), 0700) == 0);
}

TEST_CASE("what is no file holds nobody up, is not listed, and is replaced by a file")
{
    const Scratch scratch;
    const std::string folder = scratch.path("repository");
    LocalBackend place(folder);
    must(place.create());
    const std::string path = path_in(folder, kept_pack);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const Result<std::string> loaded = place.load(kept_pack, 0, 0);
    REQUIRE(!loaded);
    CHECK(loaded.error().kind == ErrorKind::corrupt);
    CHECK(loaded.error().what == path + " is no file");
    CHECK(place.size(kept_pack).error().kind == ErrorKind::corrupt);
    CHECK(must(place.list(FileKind::pack)).empty());
    must(place.save(kept_pack, kept_text));
    CHECK(must(place.load(kept_pack, 0, 0)) == kept_text);

    must(place.remove(kept_pack));
    std::filesystem::create_directory(path);
    CHECK(place.load(kept_pack, 0, 0).error().kind == ErrorKind::corrupt);
    CHECK(place.save(kept_pack, kept_text).error().what ==
          fmt::format("cannot make {}: Is a directory", path));
    CHECK(must(place.list(FileKind::pack)).empty());
    CHECK(files_below(folder) == 0);
}

TEST_CASE("a file that was cut is written anew, and one beyond all measure is not loaded")
{
    const Scratch scratch;
    const std::string folder = scratch.path("repository");
    LocalBackend place(folder);
    must(place.create());
    must(place.save(kept_pack, kept_text));
    const std::string path = path_in(folder, kept_pack);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    REQUIRE(::truncate(path.c_str(), 1000) == 0);
    must(place.save(kept_pack, kept_text));
    CHECK(must(place.load(kept_pack, 0, 0)) == kept_text);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    REQUIRE(::truncate(path.c_str(), off_t{1} << 40) == 0);
    CHECK(place.load(kept_pack, 0, 0).error().kind == ErrorKind::corrupt);
    CHECK(must(place.load(kept_pack, 0, kept_text.size())) == kept_text);
}

/// Pages of a file that lie in the memory for files.
size_t pages_in_memory(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto size = static_cast<size_t>(std::filesystem::file_size(path));
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
    REQUIRE(mapped != MAP_FAILED);
    std::vector<unsigned char> pages((size + 4095) / 4096);
    REQUIRE(::mincore(mapped, size, pages.data()) == 0);
    ::munmap(mapped, size);
    return static_cast<size_t>(
        std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; }));
}

TEST_CASE("large files are written past the memory for files where that can be, and are whole everywhere")
{
    const Scratch scratch;
    const std::string folder = scratch.path("disk"), memory = scratch.path("memory");
    const auto each_size = [&](const std::string& at, const std::function<void(const std::string&)>& look) {
        LocalBackend place(at);
        must(place.create());
        for (const size_t size : {size_t{4096}, (size_t{1} << 20) - 1, size_t{1} << 20, (size_t{1} << 20) + 1,
                                  (size_t{2} << 20) + 4096, (size_t{5} << 20) + 4095}) {
            CAPTURE(size);
            const std::string text = Scratch::random_text(size, static_cast<unsigned>(size));
            const FileName name{FileKind::pack, Id::of(text)};
            must(place.save(name, text));
            if (size >= size_t{1} << 20) look(path_in(at, name));
            CHECK(must(place.load(name, 0, 0)) == text);
        }
    };
    struct statfs filesystem = {};
    REQUIRE(::statfs(scratch.path("").c_str(), &filesystem) == 0);
    const bool is_disk = filesystem.f_type == EXT4_SUPER_MAGIC || filesystem.f_type == XFS_SUPER_MAGIC;
    if (!is_disk) MESSAGE("not tried: this is neither ext4 nor XFS");
    each_size(folder, [&](const std::string& path) {
        if (is_disk) CHECK(pages_in_memory(path) <= 1);
    });
    std::filesystem::create_directory(memory);
    with_own_mounts([&] {
        REQUIRE(::mount("none", memory.c_str(), "tmpfs", 0, "size=20m") == 0);
        each_size(memory, [](const std::string&) {});
    });
}

TEST_CASE("where a folder should be is a file, or its parent is gone")
{
    const Scratch scratch;
    scratch.write("file", "");
    CHECK(LocalBackend(scratch.path("file")).create().error().what ==
          fmt::format("cannot make {}/keys: Not a directory", scratch.path("file")));
    LocalBackend place(scratch.path("repository"));
    must(place.create());
    std::filesystem::remove_all(scratch.path("repository"));
    CHECK(place.save({FileKind::snapshot, Id::of("a")}, "a").error().kind == ErrorKind::not_found);
    CHECK(place.save(kept_pack, kept_text).error().kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace belay::backup
