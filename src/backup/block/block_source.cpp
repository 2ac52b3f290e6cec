#include "backup/block/block_source.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::backup {

Result<uint64_t> size_of_device(int file, const std::string& path)
{
    struct stat status = {};
    if (::fstat(file, &status) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", path), errno));
    if (S_ISREG(status.st_mode)) return static_cast<uint64_t>(status.st_size);
    if (!S_ISBLK(status.st_mode))
        return fail(ErrorKind::refused, fmt::format("{} is neither a block device nor a file", path));
    uint64_t size = 0;
    if (::ioctl(file, BLKGETSIZE64, &size) != 0)
        return std::unexpected(system_error(fmt::format("tell the size of {}", path), errno));
    return size;
}

Result<std::unique_ptr<DeviceSource>> DeviceSource::open(const std::string& path, Sharing sharing)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", path), errno));
    // Without O_CREAT the flag means something for devices alone.
    const int exclusive = sharing == Sharing::exclusive && S_ISBLK(status.st_mode) ? O_EXCL : 0;
    host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | exclusive));
    if (!file && errno == EBUSY)
        return fail(ErrorKind::busy, fmt::format("{} is in use: it is mounted, or something holds it", path),
                    "unmount it, or save it by a snapshot of its volume");
    if (!file) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    const uint64_t size = TRY(size_of_device(file.number(), path));
    return std::unique_ptr<DeviceSource>(new DeviceSource(path, std::move(file), size));
}

Result<void> DeviceSource::read(uint64_t offset, char* buffer, size_t length) const
{
    const uint64_t from = offset;
    size_t got = 0;
    while (got < length) {
        const ssize_t count =
            ::pread(file_.number(), buffer + got, length - got, static_cast<off_t>(offset + got));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            return std::unexpected(
                system_error(fmt::format("read {} at byte {}", path_, offset + got), errno));
        if (count == 0)
            return fail(ErrorKind::io,
                        fmt::format("{} ends at byte {}, before its size", path_, offset + got));
        got += static_cast<size_t>(count);
    }
    // It is read once: what else is in memory stays there.
    ::posix_fadvise(file_.number(), static_cast<off_t>(from), static_cast<off_t>(length),
                    POSIX_FADV_DONTNEED);
    return {};
}

Result<void> DeviceSource::sync() const
{
    if (::fsync(file_.number()) == 0) return {};
    return std::unexpected(system_error(fmt::format("write what is in memory to {}", path_), errno));
}

}  // namespace belay::backup
