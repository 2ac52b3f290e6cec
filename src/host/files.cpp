#include "host/files.h"

#include "host/descriptor.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace belay::host::files {
namespace {

constexpr mode_t mode_bits = 07777;
constexpr Bytes most_at_once{64 << 20};

std::unexpected<Error> failed_to(std::string_view doing, std::string_view path, int errno_value = errno)
{
    return std::unexpected(system_error(fmt::format("{} {}", doing, path), errno_value));
}

/// The path as the system wants it.
Result<std::string> checked(std::string_view path)
{
    if (!path.starts_with('/') || path.find('\0') != std::string_view::npos)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is not an absolute path", path));
    return std::string(path);
}

/// Never makes a file.
Result<Descriptor> open_existing(std::string_view path, int flags)
{
    const std::string checked_path = TRY(checked(path));
    Descriptor file(open(checked_path.c_str(), flags | O_CLOEXEC | O_NOCTTY));
    if (!file) return failed_to("open", path);
    return file;
}

/// Reads until `buffer` is full or the file ends; how much there was.
Result<size_t> fill(const Descriptor& file, std::string_view path, std::span<char> buffer, uint64_t offset)
{
    size_t filled = 0;
    while (filled < buffer.size()) {
        const ssize_t got = pread(file.number(), buffer.data() + filled, buffer.size() - filled,
                                  static_cast<off_t>(offset + filled));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed_to("read", path);
        if (got == 0) break;
        filled += static_cast<size_t>(got);
    }
    return filled;
}

Result<void> put(const Descriptor& file, std::string_view path, std::string_view bytes, uint64_t offset)
{
    while (!bytes.empty()) {
        const ssize_t took = pwrite(file.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (took < 0 && errno == EINTR) continue;
        if (took < 0) return failed_to("write", path);
        if (took == 0) return failed_to("write", path, EIO);
        bytes.remove_prefix(static_cast<size_t>(took));
        offset += static_cast<uint64_t>(took);
    }
    return {};
}

std::string folder_of(const std::string& path)
{
    const size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_folder_of(const std::string& path)
{
    const Descriptor folder = TRY(open_existing(folder_of(path), O_RDONLY | O_DIRECTORY));
    if (fsync(folder.number()) != 0) return failed_to("sync the folder of", path);
    return {};
}

/// A whole new file at `temporary`, synced, with the owner and mode of `like` where that exists.
Result<void> write_beside(const std::string& temporary, const std::string& like, std::string_view text,
                          mode_t mode_of_new)
{
    if (unlink(temporary.c_str()) != 0 && errno != ENOENT) return failed_to("remove", temporary);
    const Descriptor file(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file) return failed_to("make", temporary);
    struct stat old{};
    const bool existed = stat(like.c_str(), &old) == 0;
    // The owner first: a change of owner takes the set-user bits off the mode.
    if (existed && fchown(file.number(), old.st_uid, old.st_gid) != 0)
        return failed_to("give the owner to", temporary);
    if (fchmod(file.number(), existed ? old.st_mode & mode_bits : mode_of_new) != 0)
        return failed_to("set the mode of", temporary);
    TRY(put(file, temporary, text, 0));
    if (fsync(file.number()) != 0) return failed_to("sync", temporary);
    return {};
}

/// The file itself where the path is a symbolic link to it.
Result<std::string> behind_link(std::string_view path)
{
    std::string checked_path = TRY(checked(path));
    struct stat status{};
    if (lstat(checked_path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) return resolve(path);
    return checked_path;
}

}  // namespace

Result<std::string> read(std::string_view path, Bytes limit)
{
    const Descriptor file = TRY(open_existing(path, O_RDONLY));
    std::string text;
    while (true) {
        char buffer[32 << 10];
        const ssize_t got = ::read(file.number(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed_to("read", path);
        if (got == 0) return text;
        text.append(buffer, static_cast<size_t>(got));
        if (text.size() > limit.count)
            return fail(ErrorKind::corrupt, fmt::format("{} is larger than {}", path, to_text(limit)));
    }
}

Result<void> write(std::string_view path, std::string_view text)
{
    const Descriptor file = TRY(open_existing(path, O_WRONLY));
    ssize_t took = -1;
    do {
        took = ::write(file.number(), text.data(), text.size());
    } while (took < 0 && errno == EINTR);
    if (took < 0) return failed_to("write", path);
    if (static_cast<size_t>(took) != text.size())
        return fail(ErrorKind::io, fmt::format("{} took {} of {} bytes", path, took, text.size()));
    return {};
}

Result<void> replace(std::string_view path, std::string_view text, mode_t mode_of_new)
{
    const std::string target = TRY(behind_link(path));
    const std::string folder = folder_of(target);
    const std::string name = target.substr(target.rfind('/') + 1);
    const std::string temporary = fmt::format("{}/.{}.belay", folder == "/" ? "" : folder, name);
    Result<void> written = write_beside(temporary, target, text, mode_of_new);
    if (written && rename(temporary.c_str(), target.c_str()) != 0) written = failed_to("replace", target);
    if (!written) {
        unlink(temporary.c_str());
        return written;
    }
    if (Result<void> synced = sync_folder_of(target); !synced) {
        synced.error().kind = ErrorKind::lost;
        return synced;
    }
    return {};
}

Result<void> remove(std::string_view path)
{
    const std::string checked_path = TRY(checked(path));
    if (unlink(checked_path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return failed_to("remove", path);
    }
    if (Result<void> synced = sync_folder_of(checked_path); !synced) {
        synced.error().kind = ErrorKind::lost;
        return synced;
    }
    return {};
}

Result<std::vector<std::string>> list(std::string_view path)
{
    const std::string checked_path = TRY(checked(path));
    std::vector<std::string> names;
    std::error_code problem;
    for (std::filesystem::directory_iterator entry(checked_path, problem), end; !problem && entry != end;
         entry.increment(problem))
        names.push_back(entry->path().filename().string());
    if (problem) return failed_to("list", path, problem.value());
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::string> resolve(std::string_view path)
{
    const std::string checked_path = TRY(checked(path));
    const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(checked_path.c_str(), nullptr),
                                                               &std::free);
    if (!resolved) return failed_to("resolve", path);
    return std::string(resolved.get());
}

Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size)
{
    if (size > most_at_once)
        return fail(ErrorKind::usage, fmt::format("{} of {} is too much at once", to_text(size), path));
    const Descriptor file = TRY(open_existing(path, O_RDONLY));
    std::string bytes(size.count, '\0');
    const size_t filled = TRY(fill(file, path, bytes, offset.count));
    if (filled < bytes.size())
        return fail(ErrorKind::corrupt,
                    fmt::format("{} ends before byte {}", path, offset.count + size.count));
    return bytes;
}

Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes)
{
    const Descriptor file = TRY(open_existing(path, O_WRONLY));
    TRY(put(file, path, bytes, offset.count));
    if (fdatasync(file.number()) != 0) return failed_to("sync", path);
    return {};
}

Result<Space> space(std::string_view path)
{
    const std::string checked_path = TRY(checked(path));
    struct statvfs room{};
    if (statvfs(checked_path.c_str(), &room) != 0) return failed_to("see the room at", path);
    return Space{.free = {room.f_bavail * room.f_frsize}, .total = {room.f_blocks * room.f_frsize}};
}

}  // namespace belay::host::files
