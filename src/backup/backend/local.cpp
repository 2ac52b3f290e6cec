#include "backup/backend/local.h"

#include "host/descriptor.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace belay::backup {
namespace {

using host::Descriptor;

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0400;
constexpr uint64_t largest_load = 1 << 30;

Result<void> sync_folder(const std::string& path)
{
    const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.number() < 0 || ::fsync(folder.number()) != 0)
        return std::unexpected(system_error(fmt::format("sync {}", path), errno));
    return {};
}

/// One that is there already is as good.
Result<void> make_folder(const std::string& path)
{
    if (::mkdir(path.c_str(), folder_mode) == 0 || errno == EEXIST) return {};
    return std::unexpected(system_error(fmt::format("make {}", path), errno));
}

/// With all folders above it that are missing, for good.
Result<void> make_folder_and_parents(const std::string& path)
{
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string folder = path.substr(0, slash);
        if (::access(folder.c_str(), F_OK) != 0) {
            TRY(make_folder(folder));
            const size_t above = folder.rfind('/');
            TRY(sync_folder(above == std::string::npos ? "." : folder.substr(0, std::max<size_t>(above, 1))));
        }
        if (slash == std::string::npos) return {};
    }
}

/// The size of a file. One that is something else holds nothing, and might never end.
Result<uint64_t> size_of_file(const struct stat& status, const std::string& path)
{
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::corrupt, fmt::format("{} is no file", path));
    return static_cast<uint64_t>(status.st_size);
}

Result<void> write_all(int file, std::string_view text, const std::string& path)
{
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return std::unexpected(system_error(fmt::format("write {}", path), written < 0 ? errno : EIO));
        text.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

/// Memory and places in a file that any disk may be written from and to directly.
constexpr size_t direct_unit = 4096;
/// Enough at once that a disk works on several parts of it.
constexpr size_t direct_piece = size_t{2} << 20;
constexpr size_t least_direct = size_t{1} << 20;

/// Writes what is large past the memory for files, which is left to those whom the host serves: nobody reads
/// what is backed up soon again. What it has not written, where the filesystem will not have it, or at the
/// end.
Result<std::string_view> write_directly(int file, std::string_view text, const std::string& path)
{
    const int flags = ::fcntl(file, F_GETFL);
    if (text.size() < least_direct || flags < 0 || ::fcntl(file, F_SETFL, flags | O_DIRECT) != 0) return text;
    const std::unique_ptr<void, void (*)(void*)> piece(std::aligned_alloc(direct_unit, direct_piece),
                                                       std::free);
    if (!piece) return fail(ErrorKind::failed, "no memory");
    while (text.size() >= direct_unit) {
        const size_t size = std::min(direct_piece, text.size() / direct_unit * direct_unit);
        std::memcpy(piece.get(), text.data(), size);
        const ssize_t written = ::write(file, piece.get(), size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EINVAL) break;
        if (written <= 0)
            return std::unexpected(system_error(fmt::format("write {}", path), written < 0 ? errno : EIO));
        text.remove_prefix(static_cast<size_t>(written));
        if (static_cast<size_t>(written) % direct_unit != 0) break;
    }
    if (::fcntl(file, F_SETFL, flags) != 0)
        return std::unexpected(system_error(fmt::format("write {}", path), errno));
    return text;
}

/// A name that no other writer has, and that list() passes over.
std::string name_beside(const std::string& path)
{
    static std::atomic<unsigned> counter = 0;
    return fmt::format("{}-tmp-{}-{}", path, ::getpid(), counter++);
}

/// A file beside the one that it will be; gone at the end unless it was given its name.
class NewFile {
  public:
    explicit NewFile(std::string path) : path_(std::move(path)), beside_(name_beside(path_)) {}
    ~NewFile()
    {
        if (is_there_) ::unlink(beside_.c_str());
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    Result<void> fill(std::string_view content)
    {
        const Descriptor file(
            ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode | S_IWUSR));
        if (file.number() < 0) return std::unexpected(system_error(fmt::format("make {}", beside_), errno));
        is_there_ = true;
        const std::string_view rest = TRY(write_directly(file.number(), content, beside_));
        TRY(write_all(file.number(), rest, beside_));
        // A filesystem without permissions may refuse; the content is what counts.
        static_cast<void>(::fchmod(file.number(), file_mode));
        if (::fsync(file.number()) != 0)
            return std::unexpected(system_error(fmt::format("sync {}", beside_), errno));
        return {};
    }
    Result<void> take_name()
    {
        if (::rename(beside_.c_str(), path_.c_str()) != 0)
            return std::unexpected(system_error(fmt::format("make {}", path_), errno));
        is_there_ = false;
        return {};
    }
    /// As take_name(), unless somebody was quicker: errno_value EEXIST.
    Result<void> take_free_name()
    {
        if (::renameat2(AT_FDCWD, beside_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
            is_there_ = false;
            return {};
        }
        // NFS cannot do this, but links do the same; what is beside goes with its owner.
        if (errno == EINVAL && ::link(beside_.c_str(), path_.c_str()) == 0) return {};
        return std::unexpected(system_error(fmt::format("make {}", path_), errno));
    }

  private:
    std::string path_, beside_;
    bool is_there_ = false;
};

}  // namespace

std::string LocalBackend::folder_of_file(const FileName& name) const
{
    if (name.kind == FileKind::config) return folder_;
    std::string folder = fmt::format("{}/{}", folder_, folder_of(name.kind));
    if (name.kind == FileKind::pack) folder += "/" + name.id.hex().substr(0, 2);
    return folder;
}

std::string LocalBackend::path_of(const FileName& name) const
{
    const std::string file = name.kind == FileKind::config ? "config" : name.id.hex();
    return fmt::format("{}/{}", folder_of_file(name), file);
}

Result<void> LocalBackend::create()
{
    if (::access(path_of({}).c_str(), F_OK) == 0)
        return fail(ErrorKind::refused, fmt::format("there is a repository in {} already", folder_));
    TRY(make_folder_and_parents(folder_));
    for (const FileKind kind :
         {FileKind::key, FileKind::lock, FileKind::snapshot, FileKind::index, FileKind::pack})
        TRY(make_folder(fmt::format("{}/{}", folder_, folder_of(kind))));
    for (unsigned byte = 0; byte < 256; ++byte)
        TRY(make_folder(fmt::format("{}/data/{:02x}", folder_, byte)));
    TRY(sync_folder(folder_ + "/data"));
    return sync_folder(folder_);
}

Result<void> LocalBackend::save(const FileName& name, std::string_view content)
{
    const std::string path = path_of(name), folder = folder_of_file(name);
    const auto is_there_already = [&] {
        return fail(ErrorKind::refused, fmt::format("there is a repository in {} already", folder_));
    };
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0) {
        if (name.kind == FileKind::config) return is_there_already();
        // One of another size is damaged, and is written anew.
        if (S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) == content.size()) return {};
    }
    NewFile file(path);
    Result<void> filled = file.fill(content);
    if (!filled && filled.error().errno_value == ENOENT && name.kind == FileKind::pack) {
        // A tool that copies a repository may have left out empty folders.
        TRY(make_folder(folder));
        TRY(sync_folder(folder_ + "/data"));
        filled = file.fill(content);
    }
    TRY(filled);
    const Result<void> named = name.kind == FileKind::config ? file.take_free_name() : file.take_name();
    if (!named && named.error().errno_value == EEXIST) return is_there_already();
    TRY(named);
    return sync_folder(folder);
}

Result<std::string> LocalBackend::load(const FileName& name, uint64_t offset, uint64_t length)
{
    const std::string path = path_of(name);
    // Not to wait for the other end of something that is no file.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    struct stat status = {};
    if (::fstat(file.number(), &status) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", path), errno));
    const uint64_t size = TRY(size_of_file(status, path));
    if (offset > size || length > size - offset)
        return fail(ErrorKind::corrupt, fmt::format("{} ends at byte {}", path, size));
    const uint64_t wanted = length == 0 ? size - offset : length;
    if (wanted > largest_load)
        return fail(ErrorKind::corrupt, fmt::format("{} is larger than any file of a repository", path));
    std::string content;
    int problem = 0;
    // g++ 12 offers more room than was asked for where it takes new memory.
    content.resize_and_overwrite(wanted, [&](char* buffer, size_t) {
        size_t got = 0;
        while (got < wanted) {
            const ssize_t count =
                ::pread(file.number(), buffer + got, wanted - got, static_cast<off_t>(offset + got));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) {
                problem = count < 0 ? errno : EIO;
                break;
            }
            got += static_cast<size_t>(count);
        }
        return got;
    });
    if (problem != 0) return std::unexpected(system_error(fmt::format("read {}", path), problem));
    return content;
}

Result<uint64_t> LocalBackend::size(const FileName& name)
{
    struct stat status = {};
    if (::stat(path_of(name).c_str(), &status) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", path_of(name)), errno));
    return size_of_file(status, path_of(name));
}

Result<void> LocalBackend::remove(const FileName& name)
{
    if (::unlink(path_of(name).c_str()) != 0 && errno != ENOENT)
        return std::unexpected(system_error(fmt::format("remove {}", path_of(name)), errno));
    // An index that came back after a power cut would name packs that are gone. A pack that comes back is
    // only in the way, and a lock grows stale.
    if (name.kind == FileKind::pack || name.kind == FileKind::lock) return {};
    return sync_folder(folder_of_file(name));
}

Result<void> LocalBackend::list_folder(const std::string& folder, std::vector<ListedFile>& all) const
{
    DIR* entries = ::opendir(folder.c_str());
    if (entries == nullptr) {
        if (errno == ENOENT) return {};
        return std::unexpected(system_error(fmt::format("list {}", folder), errno));
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> closes(entries, ::closedir);
    const int number = ::dirfd(entries);
    if (number < 0) return std::unexpected(system_error(fmt::format("list {}", folder), errno));
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(entries);  // NOLINT(concurrency-mt-unsafe): a stream of its own
        if (entry == nullptr) break;
        const Result<Id> id = Id::from_hex(entry->d_name);
        if (!id) continue;
        struct stat status = {};
        if (::fstatat(number, entry->d_name, &status, 0) != 0) {
            if (errno == ENOENT) continue;  // removed meanwhile
            return std::unexpected(system_error(fmt::format("look at {}/{}", folder, entry->d_name), errno));
        }
        if (!S_ISREG(status.st_mode)) continue;
        all.push_back({*id, static_cast<uint64_t>(status.st_size)});
    }
    if (errno != 0) return std::unexpected(system_error(fmt::format("list {}", folder), errno));
    return {};
}

Result<std::vector<ListedFile>> LocalBackend::list(FileKind kind)
{
    std::vector<ListedFile> all;
    const std::string folder = fmt::format("{}/{}", folder_, folder_of(kind));
    if (kind != FileKind::pack) {
        TRY(list_folder(folder, all));
        return all;
    }
    for (unsigned byte = 0; byte < 256; ++byte) TRY(list_folder(fmt::format("{}/{:02x}", folder, byte), all));
    return all;
}

bool LocalBackend::lists_what_is_there() const
{
    constexpr unsigned zfs = 0x2fc12fc1;  // OpenZFS, include/sys/zfs_znode.h: ZFS_SUPER_MAGIC
    struct statfs place = {};
    if (::statfs(folder_.c_str(), &place) != 0) return false;
    const auto kind = static_cast<unsigned>(place.f_type);
    return kind == EXT4_SUPER_MAGIC || kind == XFS_SUPER_MAGIC || kind == BTRFS_SUPER_MAGIC ||
           kind == F2FS_SUPER_MAGIC || kind == TMPFS_MAGIC || kind == zfs;
}

}  // namespace belay::backup
