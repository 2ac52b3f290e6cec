#include "backup/block/restore_target.h"

#include "backup/block/block_source.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::backup {
namespace {

std::unexpected<Error> target_error(std::string_view what, const std::string& path)
{
    return std::unexpected(system_error(fmt::format("{} {}", what, path), errno));
}

Result<host::Descriptor> open_device(const std::string& path, uint64_t size, bool allow_in_use)
{
    host::Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | (allow_in_use ? 0 : O_EXCL)));
    if (!file && errno == EBUSY)
        return fail(ErrorKind::busy, fmt::format("{} is in use: it is mounted, or something holds it", path),
                    fmt::format("lsblk {}", path));
    if (!file) return target_error("open", path);
    const uint64_t room = TRY(size_of_device(file.number(), path));
    if (room < size)
        return fail(ErrorKind::refused,
                    fmt::format("{} has {} bytes, and the image has {}", path, room, size),
                    "restore onto a larger device");
    return file;
}

Result<host::Descriptor> open_file(const std::string& path, uint64_t size)
{
    host::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
    if (!file) return target_error("make", path);
    if (::ftruncate(file.number(), static_cast<off_t>(size)) != 0)
        return target_error("set the size of", path);
    return file;
}

}  // namespace

Result<RestoreTarget> RestoreTarget::open(const std::string& path, uint64_t size, Options options)
{
    struct stat status = {};
    const bool is_there = ::stat(path.c_str(), &status) == 0;
    if (!is_there && errno != ENOENT) return target_error("look at", path);
    if (!is_there && path.starts_with("/dev/"))
        return fail(ErrorKind::not_found, fmt::format("there is no device {}", path), "lsblk");
    if (is_there && S_ISBLK(status.st_mode))
        return RestoreTarget(path, TRY(open_device(path, size, options.allow_in_use)), true, options.is_zero);
    if (is_there && !S_ISREG(status.st_mode))
        return fail(ErrorKind::refused, fmt::format("{} is neither a block device nor a file", path));
    const bool is_empty = !is_there || status.st_size == 0;
    if (!is_empty && !options.overwrite_file)
        return fail(ErrorKind::refused, fmt::format("{} is there already", path),
                    "remove it, restore elsewhere, or allow it to be overwritten");
    return RestoreTarget(path, TRY(open_file(path, size)), false, is_empty || options.is_zero);
}

Result<void> RestoreTarget::write(uint64_t offset, std::string_view content)
{
    while (!content.empty()) {
        const ssize_t count =
            ::pwrite(file_.number(), content.data(), content.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return target_error("write", path_);
        offset += static_cast<uint64_t>(count);
        content.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

Result<void> RestoreTarget::write_zeros(const Extent& extent)
{
    // A device takes whole sectors; the last chunk of an image may be less.
    constexpr uint64_t sector = 4096;
    const bool is_aligned = extent.offset % sector == 0 && extent.length % sector == 0;
    uint64_t range[2] = {extent.offset, extent.length};
    if (is_device_ && is_aligned && ::ioctl(file_.number(), BLKZEROOUT, range) == 0) return {};
    if (!is_device_ && ::fallocate(file_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   static_cast<off_t>(extent.offset), static_cast<off_t>(extent.length)) == 0)
        return {};
    static const std::string zeros(1 << 20, '\0');
    for (uint64_t at = extent.offset; at < extent.end();) {
        const uint64_t count = std::min<uint64_t>(zeros.size(), extent.end() - at);
        TRY(write(at, std::string_view(zeros).substr(0, count)));
        at += count;
    }
    return {};
}

Result<void> RestoreTarget::read(uint64_t offset, std::string& buffer) const
{
    size_t got = 0;
    while (got < buffer.size()) {
        const ssize_t count = ::pread(file_.number(), buffer.data() + got, buffer.size() - got,
                                      static_cast<off_t>(offset + got));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return target_error("read", path_);
        if (count == 0) return fail(ErrorKind::io, fmt::format("{} ends at byte {}", path_, offset + got));
        got += static_cast<size_t>(count);
    }
    return {};
}

Result<void> RestoreTarget::sync()
{
    if (::fsync(file_.number()) != 0) return target_error("write", path_);
    return {};
}

Result<void> RestoreTarget::forget_cache()
{
    TRY(sync());
    // Only to read what the disk has; where it cannot be had the cache is read.
    if (is_device_) static_cast<void>(::ioctl(file_.number(), BLKFLSBUF, 0));
    ::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_DONTNEED);
    return {};
}

}  // namespace belay::backup
