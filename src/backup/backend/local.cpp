#include "backup/backend/local.h"

#include "host/descriptor.h"

#include <atomic>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::backup {
namespace {

using host::Descriptor;

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0400;

Result<void> make_folder(const std::string& path)
{
    if (::mkdir(path.c_str(), folder_mode) != 0 && errno != EEXIST)
        return std::unexpected(system_error(fmt::format("cannot make {}", path), errno));
    return {};
}

Result<void> sync_folder(const std::string& path)
{
    const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.number() < 0 || ::fsync(folder.number()) != 0)
        return std::unexpected(system_error(fmt::format("cannot sync {}", path), errno));
    return {};
}

Result<void> write_all(int file, std::string_view text, const std::string& path)
{
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return std::unexpected(
                system_error(fmt::format("cannot write {}", path), written < 0 ? errno : EIO));
        text.remove_prefix(static_cast<size_t>(written));
    }
    return {};
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
        if (file.number() < 0)
            return std::unexpected(system_error(fmt::format("cannot make {}", beside_), errno));
        is_there_ = true;
        TRY(write_all(file.number(), content, beside_));
        // A filesystem without permissions may refuse; the content is what counts.
        static_cast<void>(::fchmod(file.number(), file_mode));
        if (::fsync(file.number()) != 0)
            return std::unexpected(system_error(fmt::format("cannot sync {}", beside_), errno));
        return {};
    }
    Result<void> take_name()
    {
        if (::rename(beside_.c_str(), path_.c_str()) != 0)
            return std::unexpected(system_error(fmt::format("cannot make {}", path_), errno));
        is_there_ = false;
        return {};
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
    // Parents that are missing are made as well.
    for (size_t slash = folder_.find('/', 1); slash != std::string::npos;
         slash = folder_.find('/', slash + 1))
        TRY(make_folder(folder_.substr(0, slash)));
    TRY(make_folder(folder_));
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
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0) {
        // One of another size is damaged, and is written anew.
        if (name.kind != FileKind::config && static_cast<uint64_t>(status.st_size) == content.size())
            return {};
        if (name.kind == FileKind::config)
            return fail(ErrorKind::refused, fmt::format("there is a repository in {} already", folder_));
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
    TRY(file.take_name());
    return sync_folder(folder);
}

Result<std::string> LocalBackend::load(const FileName& name, uint64_t offset, uint64_t length)
{
    const std::string path = path_of(name);
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("cannot open {}", path), errno));
    struct stat status = {};
    if (::fstat(file.number(), &status) != 0)
        return std::unexpected(system_error(fmt::format("cannot look at {}", path), errno));
    const auto size = static_cast<uint64_t>(status.st_size);
    if (offset > size || length > size - offset)
        return fail(ErrorKind::corrupt, fmt::format("{} ends at byte {}", path, size));
    std::string content;
    int problem = 0;
    content.resize_and_overwrite(length == 0 ? size - offset : length, [&](char* buffer, size_t room) {
        size_t got = 0;
        while (got < room) {
            const ssize_t count =
                ::pread(file.number(), buffer + got, room - got, static_cast<off_t>(offset + got));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) {
                problem = count < 0 ? errno : EIO;
                break;
            }
            got += static_cast<size_t>(count);
        }
        return got;
    });
    if (problem != 0) return std::unexpected(system_error(fmt::format("cannot read {}", path), problem));
    return content;
}

Result<uint64_t> LocalBackend::size(const FileName& name)
{
    struct stat status = {};
    if (::stat(path_of(name).c_str(), &status) != 0)
        return std::unexpected(system_error(fmt::format("cannot look at {}", path_of(name)), errno));
    return static_cast<uint64_t>(status.st_size);
}

Result<void> LocalBackend::remove(const FileName& name)
{
    if (::unlink(path_of(name).c_str()) != 0 && errno != ENOENT)
        return std::unexpected(system_error(fmt::format("cannot remove {}", path_of(name)), errno));
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
        return std::unexpected(system_error(fmt::format("cannot list {}", folder), errno));
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> closes(entries, ::closedir);
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(entries);  // NOLINT(concurrency-mt-unsafe): a stream of its own
        if (entry == nullptr) break;
        const Result<Id> id = Id::from_hex(entry->d_name);
        if (!id) continue;
        struct stat status = {};
        if (::fstatat(::dirfd(entries), entry->d_name, &status, 0) != 0) {
            if (errno == ENOENT) continue;  // removed meanwhile
            return std::unexpected(
                system_error(fmt::format("cannot look at {}/{}", folder, entry->d_name), errno));
        }
        all.push_back({*id, static_cast<uint64_t>(status.st_size)});
    }
    if (errno != 0) return std::unexpected(system_error(fmt::format("cannot list {}", folder), errno));
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

}  // namespace belay::backup
