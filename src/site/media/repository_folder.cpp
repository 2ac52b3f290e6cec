#include "site/media/repository_folder.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace belay::media {
namespace {

using host::Descriptor;

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0400;
constexpr size_t folders_of_data = 256;
constexpr const char* incoming_name = ".incoming";
constexpr const char* owner_attribute = "user.belay.account";
/// Fewer, and the kernel would have much to write at the end, while nobody writes.
constexpr uint64_t written_early = 4 << 20;

std::unexpected<Error> failed(std::string_view doing)
{
    return std::unexpected(system_error(doing, errno));
}

/// A folder or file below `from`, by no symbolic link and no way up.
Descriptor open_below(int from, const std::string& path, uint64_t flags, uint64_t mode = 0)
{
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    for (;;) {
        const long number = ::syscall(SYS_openat2, from, path.c_str(), &how, sizeof how);
        // A rename somewhere at the same moment: the kernel cannot say whether it was on the way.
        if (number < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        return Descriptor(static_cast<int>(number));
    }
}

Descriptor open_folder(int from, const std::string& path)
{
    return open_below(from, path, O_RDONLY | O_DIRECTORY);
}

Result<void> sync(const Descriptor& folder, std::string_view what)
{
    if (::fsync(folder.number()) != 0) return failed(fmt::format("sync {}", what));
    return {};
}

/// A folder in another, for good.
Result<Descriptor> make_folder(const Descriptor& above, const std::string& name)
{
    const bool is_new = ::mkdirat(above.number(), name.c_str(), folder_mode) == 0;
    if (!is_new && errno != EEXIST) return failed(fmt::format("make {}", name));
    if (is_new) TRY(sync(above, "the folder above " + name));
    Descriptor folder = open_folder(above.number(), name);
    if (!folder) return failed(fmt::format("open {}", name));
    return folder;
}

std::string folder_of_data(size_t part)
{
    return fmt::format("data/{:02x}", part);
}

std::string folder_of(const RequestPath& path)
{
    if (path.what == RequestPath::What::config) return ".";
    std::string folder(name_of(path.kind));
    if (path.kind == Kind::data) folder += "/" + path.name.substr(0, 2);
    return folder;
}

std::string name_in_folder(const RequestPath& path)
{
    return path.what == RequestPath::What::config ? "config" : path.name;
}

std::string below_space(const RequestPath& path)
{
    std::string all = ".";
    for (const std::string& folder : path.folders) all += "/" + folder;
    return all;
}

/// What a folder holds, but for "." and "..".
Result<void> for_each_in(const Descriptor& folder,
                         const std::function<Result<void>(const dirent& entry)>& look)
{
    const int number = ::fcntl(folder.number(), F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, int (*)(DIR*)> open(number < 0 ? nullptr : ::fdopendir(number), ::closedir);
    if (!open) {
        const int problem = errno;
        if (number >= 0) ::close(number);
        return std::unexpected(system_error("list a folder", problem));
    }
    for (;;) {
        errno = 0;
        const dirent* const entry =
            ::readdir(open.get());  // NOLINT(concurrency-mt-unsafe): a stream of our own
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") TRY(look(*entry));
    }
    if (errno != 0) return failed("list a folder");
    return {};
}

Result<StoredFile> open_stored(const Descriptor& folder, const std::string& name)
{
    // A pipe by this name must not keep us waiting.
    StoredFile stored{.file = open_below(folder.number(), name, O_RDONLY | O_NONBLOCK)};
    if (!stored.file) return failed(fmt::format("open {}", name));
    struct stat status{};
    if (::fstat(stored.file.number(), &status) != 0) return failed(fmt::format("look at {}", name));
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::corrupt, fmt::format("{} is no file", name));
    stored.size = static_cast<uint64_t>(status.st_size);
    return stored;
}

Result<std::string> digest_of(const StoredFile& stored)
{
    Sha256 digest;
    std::string piece(1 << 20, '\0');
    for (uint64_t at = 0;;) {
        const ssize_t count =
            ::pread(stored.file.number(), piece.data(), piece.size(), static_cast<off_t>(at));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed("read what is there already");
        if (count == 0) return digest.hex();
        digest.add(std::string_view(piece).substr(0, static_cast<size_t>(count)));
        at += static_cast<uint64_t>(count);
    }
}

Result<uint64_t> bytes_below(const Descriptor& folder, unsigned depth)
{
    constexpr unsigned deepest = RequestPath::most_folders + 4;
    uint64_t bytes = 0;
    const int number = folder.number();
    const auto look = [&](const dirent& entry) -> Result<void> {
        struct stat status{};
        if (::fstatat(number, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT ? Result<void>() : failed(fmt::format("look at {}", entry.d_name));
        if (S_ISREG(status.st_mode)) bytes += static_cast<uint64_t>(status.st_size);
        if (!S_ISDIR(status.st_mode) || depth == deepest) return {};
        const Descriptor below = open_folder(number, entry.d_name);
        if (!below) return errno == ENOENT ? Result<void>() : failed(fmt::format("open {}", entry.d_name));
        bytes += TRY(bytes_below(below, depth + 1));
        return {};
    };
    TRY(for_each_in(folder, look));
    return bytes;
}

}  // namespace

Result<SpaceFolder> SpaceFolder::open(const std::string& path)
{
    if (::mkdir(path.c_str(), folder_mode) != 0 && errno != EEXIST)
        return failed(fmt::format("make {}", path));
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return failed(fmt::format("open {}", path));
    Descriptor incoming = TRY(make_folder(folder, incoming_name));
    const int number = incoming.number();
    TRY(for_each_in(open_folder(number, "."), [&](const dirent& entry) -> Result<void> {
        if (::unlinkat(number, entry.d_name, 0) != 0) return failed(fmt::format("remove {}", entry.d_name));
        return {};
    }));
    return SpaceFolder(std::move(folder), std::move(incoming));
}

Result<uint64_t> SpaceFolder::bytes_of_all_files() const
{
    const Descriptor all = open_folder(folder_.number(), ".");
    if (!all) return failed("open a space");
    return bytes_below(all, 0);
}

Result<RepositoryFolder> RepositoryFolder::open(const SpaceFolder& space, const RequestPath& path)
{
    Descriptor folder = open_folder(space.folder().number(), below_space(path));
    if (!folder) return failed(fmt::format("open the repository {}", path.repository()));
    return RepositoryFolder(std::move(folder));
}

Result<RepositoryFolder> RepositoryFolder::create(const SpaceFolder& space, const RequestPath& path)
{
    Descriptor folder = open_folder(space.folder().number(), ".");
    if (!folder) return failed("open a space");
    for (const std::string& name : path.folders) folder = TRY(make_folder(folder, name));
    for (const Kind kind : all_kinds) {
        const Descriptor of_kind = TRY(make_folder(folder, std::string(name_of(kind))));
        if (kind != Kind::data) continue;
        for (size_t part = 0; part < folders_of_data; ++part) {
            if (::mkdirat(folder.number(), folder_of_data(part).c_str(), folder_mode) != 0 && errno != EEXIST)
                return failed(fmt::format("make {}", folder_of_data(part)));
        }
        TRY(sync(of_kind, "data"));
    }
    return RepositoryFolder(std::move(folder));
}

Result<StoredFile> RepositoryFolder::read(const RequestPath& path) const
{
    return open_stored(folder_, folder_of(path) + "/" + name_in_folder(path));
}

Result<std::optional<uint64_t>> RepositoryFolder::remove(const RequestPath& path) const
{
    const std::string name = name_in_folder(path);
    const Descriptor folder = open_folder(folder_.number(), folder_of(path));
    struct stat status{};
    const bool is_there =
        folder && ::fstatat(folder.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there) {
        if (errno == ENOENT) return std::optional<uint64_t>();
        return failed(fmt::format("look at {}", name));
    }
    if (::unlinkat(folder.number(), name.c_str(), 0) != 0) {
        if (errno == ENOENT) return std::optional<uint64_t>();
        return failed(fmt::format("remove {}", name));
    }
    TRY(sync(folder, folder_of(path)));
    return std::optional<uint64_t>(S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0);
}

Result<Descriptor> RepositoryFolder::folder_of_kind(Kind kind) const
{
    Descriptor folder = open_folder(folder_.number(), std::string(name_of(kind)));
    if (!folder) return failed(fmt::format("open {}", name_of(kind)));
    return folder;
}

size_t RepositoryFolder::parts_of(Kind kind)
{
    return kind == Kind::data ? folders_of_data : 1;
}

Result<void> RepositoryFolder::list(Kind kind, size_t part, const Listed& listed) const
{
    const std::string path = kind == Kind::data ? folder_of_data(part) : std::string(name_of(kind));
    const Descriptor folder = open_folder(folder_.number(), path);
    if (!folder) return errno == ENOENT ? Result<void>() : failed(fmt::format("open {}", path));
    const int number = folder.number();
    return for_each_in(folder, [&](const dirent& entry) -> Result<void> {
        if (!is_id(entry.d_name)) return {};
        struct stat status{};
        if (::fstatat(number, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT ? Result<void>() : failed(fmt::format("look at {}", entry.d_name));
        if (S_ISREG(status.st_mode)) listed(entry.d_name, static_cast<uint64_t>(status.st_size));
        return {};
    });
}

bool is_owner(const StoredFile& file, const std::string& account)
{
    std::array<char, 256> owner{};
    const ssize_t size = ::fgetxattr(file.file.number(), owner_attribute, owner.data(), owner.size());
    if (size < 0) return errno == ENOTSUP;
    return std::string_view(owner.data(), static_cast<size_t>(size)) == account;
}

Result<void> IncomingFile::note_owner(const std::string& account)
{
    const bool is_noted =
        ::fsetxattr(file_.number(), owner_attribute, account.data(), account.size(), 0) == 0;
    if (is_noted || errno == ENOTSUP) return {};
    return failed("write down whose lock it is");
}

Result<IncomingFile> IncomingFile::open(const SpaceFolder& space)
{
    static std::atomic<uint64_t> counter = 0;
    std::string name = fmt::format("{}-{}", ::getpid(), counter++);
    Descriptor file(::openat(space.incoming().number(), name.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
    if (!file) return failed("make a file");
    return IncomingFile(std::move(file), space.incoming().number(), std::move(name));
}

IncomingFile::IncomingFile(IncomingFile&& other) noexcept
    : file_(std::move(other.file_)),
      incoming_(other.incoming_),
      name_(std::exchange(other.name_, {})),
      size_(other.size_),
      digest_(std::move(other.digest_))
{
}

IncomingFile::~IncomingFile()
{
    if (!name_.empty()) ::unlinkat(incoming_, name_.c_str(), 0);
}

Result<void> IncomingFile::add(std::string_view bytes)
{
    digest_.add(bytes);
    const uint64_t begun = size_ / written_early;
    while (!bytes.empty()) {
        const ssize_t written = ::write(file_.number(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            if (written == 0) errno = EIO;
            return failed("write a file");
        }
        bytes.remove_prefix(static_cast<size_t>(written));
        size_ += static_cast<uint64_t>(written);
    }
    // The disk begins while the rest still comes. Only a hint, so whether it was taken does not matter.
    if (size_ / written_early != begun)
        static_cast<void>(::sync_file_range(
            file_.number(), static_cast<off_t>(begun * written_early),
            static_cast<off_t>((size_ / written_early - begun) * written_early), SYNC_FILE_RANGE_WRITE));
    return {};
}

Result<Kept> IncomingFile::keep(const RepositoryFolder& repository, const RequestPath& path, bool may_replace)
{
    const std::string name = name_in_folder(path);
    const std::string digest = digest_.hex();
    const bool is_config = path.what == RequestPath::What::config;
    if (!is_config && digest != name)
        return fail(ErrorKind::corrupt,
                    fmt::format("what was received as {} is not what its name says", name));
    const std::string into = folder_of(path);
    Descriptor folder = open_folder(repository.folder_.number(), into);
    // Other programs make a folder of data/ with the first file in it.
    if (!folder && errno == ENOENT && path.kind == Kind::data && !is_config) {
        const Descriptor data = TRY(make_folder(repository.folder_, "data"));
        folder = TRY(make_folder(data, name.substr(0, 2)));
    }
    if (!folder) return failed(fmt::format("open {}", into));
    if (::fsync(file_.number()) != 0) return failed(fmt::format("sync {}", name));

    Kept kept = Kept::now;
    if (::renameat2(incoming_, name_.c_str(), folder.number(), name.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno != EEXIST) return failed(fmt::format("give {} its name", name));
        const StoredFile there = TRY(open_stored(folder, name));
        const bool is_same = there.size == size_ && TRY(digest_of(there)) == digest;
        if (!is_same && (is_config || !may_replace))
            return fail(ErrorKind::refused, fmt::format("there is another {} already", name));
        if (is_same) {
            // Whoever has written it may not have come to this.
            if (::fsync(there.file.number()) != 0) return failed(fmt::format("sync {}", name));
            TRY(sync(folder, into));
            return Kept::before;
        }
        if (::renameat(incoming_, name_.c_str(), folder.number(), name.c_str()) != 0)
            return failed(fmt::format("give {} its name", name));
        kept = Kept::replaced;
    }
    name_.clear();
    TRY(sync(folder, into));
    return kept;
}

}  // namespace belay::media
