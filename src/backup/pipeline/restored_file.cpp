#include "backup/pipeline/restored_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace belay::backup {
namespace {

std::unexpected<Error> cannot(std::string_view what, const std::string& path)
{
    return std::unexpected(system_error(fmt::format("{} {}", what, path), errno));
}

timespec time_of(const Timestamp& time)
{
    return {.tv_sec = time.seconds, .tv_nsec = static_cast<long>(time.nanoseconds)};
}

constexpr uint64_t most_past_cache = 1 << 20;

/// Memory of a thread, of most_past_cache bytes.
char* aligned_memory()
{
    struct Free {
        void operator()(char* memory) const { std::free(memory); }
    };
    thread_local const std::unique_ptr<char, Free> memory(
        static_cast<char*>(std::aligned_alloc(disk_block, most_past_cache)));
    return memory.get();
}

/// Keeps the first of several errors.
class First {
  public:
    void note(int returned, std::string_view what, const std::string& path)
    {
        if (returned != 0 && !error_) error_ = system_error(fmt::format("{} {}", what, path), errno);
    }
    Result<void> result() const { return error_ ? Result<void>(std::unexpected(*error_)) : Result<void>(); }

  private:
    std::optional<Error> error_;
};

/// Owner, mode, extended attributes and times of what the calls lead to.
template <typename Chown, typename SetAttribute, typename Chmod, typename SetTimes>
Result<void> set_all(const std::string& path, const Node& node, Chown chown, SetAttribute set_attribute,
                     Chmod chmod, SetTimes set_times)
{
    First first;
    // Before the mode, for a change of owner takes setuid away.
    if (chown() != 0 && ::geteuid() == 0) first.note(-1, "give away", path);
    for (const ExtendedAttribute& one : node.attributes)
        first.note(set_attribute(one.name.c_str(), one.value.data(), one.value.size()),
                   "set the attribute " + one.name + " of", path);
    if (node.type != NodeType::symlink) first.note(chmod(), "set the mode of", path);
    const timespec times[2] = {time_of(node.atime), time_of(node.mtime)};
    first.note(set_times(times), "set the times of", path);
    return first.result();
}

}  // namespace

Result<RestoredFile> RestoredFile::open(const std::string& path)
{
    // Nobody else may read it before it has its mode. Most are new, and then there is no more to ask.
    constexpr int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    host::Descriptor file(::open(path.c_str(), flags | O_EXCL, 0600));
    if (file) return RestoredFile(path, std::move(file), 0);
    if (errno == EEXIST) file = host::Descriptor(::open(path.c_str(), flags, 0600));
    if (!file) return cannot("make", path);
    struct stat status = {};
    if (::fstat(file.number(), &status) != 0) return cannot("look at", path);
    if (!S_ISREG(status.st_mode))
        return fail(ErrorKind::refused, fmt::format("{} is there, and is no file", path),
                    "remove it, or restore elsewhere");
    return RestoredFile(path, std::move(file), static_cast<uint64_t>(status.st_size));
}

Result<void> RestoredFile::set_size(uint64_t size)
{
    if (::ftruncate(file_.number(), static_cast<off_t>(size)) != 0) return cannot("set the size of", path_);
    return {};
}

bool RestoredFile::holds(uint64_t offset, std::string_view content) const
{
    if (offset + content.size() > size_before_) return false;
    thread_local std::string there;
    there.resize(content.size());
    size_t got = 0;
    while (got < there.size()) {
        const ssize_t count =
            ::pread(file_.number(), there.data() + got, there.size() - got, static_cast<off_t>(offset + got));
        if (count <= 0) return false;
        got += static_cast<size_t>(count);
    }
    return there == content;
}

Result<void> RestoredFile::write(uint64_t offset, std::string_view content)
{
    while (!content.empty()) {
        const ssize_t count =
            ::pwrite(file_.number(), content.data(), content.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot("write", path_);
        offset += static_cast<uint64_t>(count);
        content.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

Result<bool> RestoredFile::write_past_cache(uint64_t offset, std::string_view content)
{
    uint64_t place = (offset + disk_block - 1) / disk_block * disk_block;
    const uint64_t end = (offset + content.size()) / disk_block * disk_block;
    char* const memory = aligned_memory();
    if (place >= end || memory == nullptr) return false;
    if (!past_cache_)
        past_cache_ = host::Descriptor(::open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW));
    if (!past_cache_) return false;
    const std::string_view head = content.substr(0, place - offset);
    const uint64_t first = place;
    while (place < end) {
        std::string_view piece = content.substr(place - offset, end - place);
        if (reinterpret_cast<uintptr_t>(piece.data()) % disk_block != 0) {
            piece = piece.substr(0, most_past_cache);
            std::ranges::copy(piece, memory);
            piece = {memory, piece.size()};
        }
        const ssize_t count =
            ::pwrite(past_cache_.number(), piece.data(), piece.size(), static_cast<off_t>(place));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EINVAL && place == first) return false;
        if (count < 0) return cannot("write", path_);
        place += static_cast<uint64_t>(count);
        // Where the disk is full, a piece may end anywhere; the next one says so.
        if (place % disk_block != 0) break;
    }
    TRY(write(offset, head));
    TRY(write(place, content.substr(place - offset)));
    return true;
}

bool RestoredFile::make_zeros(uint64_t offset, uint64_t size)
{
    return ::fallocate(file_.number(), 0, static_cast<off_t>(offset), static_cast<off_t>(size)) == 0;
}

Result<void> make_folder(const std::string& path)
{
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    if (errno != EEXIST) return cannot("make", path);
    struct stat status = {};
    if (::lstat(path.c_str(), &status) != 0) return cannot("look at", path);
    if (S_ISDIR(status.st_mode)) return {};
    return fail(ErrorKind::refused, fmt::format("{} is there, and is no folder", path),
                "remove it, or restore elsewhere");
}

Result<void> make_special(const std::string& path, const Node& node)
{
    if (node.type == NodeType::irregular)
        return fail(ErrorKind::refused, fmt::format("{} is of a kind that this system does not have", path));
    struct stat status = {};
    if (::lstat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode))
            return fail(ErrorKind::refused,
                        fmt::format("{} is there, and is no {}", path, name_of(node.type)),
                        "remove it, or restore elsewhere");
        if (::unlink(path.c_str()) != 0) return cannot("replace", path);
    }
    const int made = node.type == NodeType::symlink ? ::symlink(node.link_target.c_str(), path.c_str())
                                                    : ::mknod(path.c_str(), unix_kind(node.type) | 0600,
                                                              static_cast<dev_t>(node.device));
    if (made != 0) return cannot("make", path);
    return {};
}

Result<void> make_hard_link(const std::string& path, const std::string& to)
{
    struct stat here = {}, there = {};
    if (::lstat(path.c_str(), &here) == 0) {
        if (::lstat(to.c_str(), &there) == 0 && here.st_ino == there.st_ino && here.st_dev == there.st_dev)
            return {};
        if (::unlink(path.c_str()) != 0) return cannot("replace", path);
    }
    if (::link(to.c_str(), path.c_str()) != 0) return cannot("make", path);
    return {};
}

Result<void> RestoredFile::set_metadata(const Node& node)
{
    const int file = file_.number();
    return set_all(
        path_, node, [&] { return ::fchown(file, node.uid, node.gid); },
        [&](const char* name, const char* value, size_t size) {
            return ::fsetxattr(file, name, value, size, 0);
        },
        [&] { return ::fchmod(file, node.mode); },
        [&](const timespec* times) { return ::futimens(file, times); });
}

Result<void> set_metadata(const std::string& path, const Node& node)
{
    return set_all(
        path, node, [&] { return ::lchown(path.c_str(), node.uid, node.gid); },
        [&](const char* name, const char* value, size_t size) {
            return ::lsetxattr(path.c_str(), name, value, size, 0);
        },
        [&] { return ::chmod(path.c_str(), node.mode); },
        [&](const timespec* times) {
            return ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
        });
}

}  // namespace belay::backup
