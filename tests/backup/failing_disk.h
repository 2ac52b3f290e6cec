#pragma once
// For tests: functions of the C library that write, at each of which the process may die or the disk be full.
// The program that includes this has them in the place of the C library's own, also for SQLite.

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace belay::backup {

/// What goes wrong. One for the process, for the functions below have no other way to know.
struct FailingDisk {
    enum class Way { none, dies, is_full };
    std::atomic<Way> way = Way::none;
    std::atomic<bool> counts_writes = false;  ///< else only what makes, names, removes or syncs
    std::atomic<long> at = 0;                 ///< from this call on, counted from 1
    std::atomic<long> calls = 0;
    std::string below = {};  ///< a disk of its own, that may be full

    /// Whether this call is not to be done.
    bool fails(bool is_write, std::string_view path)
    {
        if (is_write && !counts_writes) return false;
        if (way == Way::is_full && !path.starts_with(below)) return false;
        const bool is_now = ++calls >= at && at > 0;
        if (is_now && way == Way::dies) ::kill(::getpid(), SIGKILL);
        if (!is_now || way != Way::is_full) return false;
        errno = ENOSPC;
        return true;
    }
    bool fails(bool is_write, int file)
    {
        if (way != Way::is_full) return fails(is_write, std::string_view());
        char name[64], target[4096];
        std::snprintf(name, sizeof name, "/proc/self/fd/%d", file);
        const ssize_t length = ::readlink(name, target, sizeof target);
        return fails(is_write, std::string_view(target, length > 0 ? static_cast<size_t>(length) : 0));
    }
};

inline FailingDisk failing_disk;

inline long failing_call(bool fails, long number, auto... arguments)
{
    return fails ? -1 : ::syscall(number, arguments...);
}

}  // namespace belay::backup

extern "C" {

#define BELAY_DISK belay::backup::failing_disk

int fsync(int file)
{
    // A disk that is full may well keep what it has.
    if (BELAY_DISK.way == belay::backup::FailingDisk::Way::dies) BELAY_DISK.fails(false, file);
    return static_cast<int>(::syscall(SYS_fsync, file));
}
int fdatasync(int file)
{
    if (BELAY_DISK.way == belay::backup::FailingDisk::Way::dies) BELAY_DISK.fails(false, file);
    return static_cast<int>(::syscall(SYS_fdatasync, file));
}
int rename(const char* from, const char* to) noexcept
{
    return static_cast<int>(belay::backup::failing_call(BELAY_DISK.fails(false, to), SYS_rename, from, to));
}
int symlink(const char* target, const char* path) noexcept
{
    return static_cast<int>(
        belay::backup::failing_call(BELAY_DISK.fails(false, path), SYS_symlink, target, path));
}
int mkdir(const char* path, mode_t mode) noexcept
{
    return static_cast<int>(
        belay::backup::failing_call(BELAY_DISK.fails(false, path), SYS_mkdir, path, mode));
}
int unlink(const char* path) noexcept
{
    if (BELAY_DISK.way == belay::backup::FailingDisk::Way::dies) BELAY_DISK.fails(false, path);
    return static_cast<int>(::syscall(SYS_unlink, path));
}
int rmdir(const char* path) noexcept
{
    if (BELAY_DISK.way == belay::backup::FailingDisk::Way::dies) BELAY_DISK.fails(false, path);
    return static_cast<int>(::syscall(SYS_rmdir, path));
}
ssize_t write(int file, const void* bytes, size_t size)
{
    return belay::backup::failing_call(BELAY_DISK.fails(true, file), SYS_write, file, bytes, size);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset)
{
    return belay::backup::failing_call(BELAY_DISK.fails(true, file), SYS_pwrite64, file, bytes, size, offset);
}
int ftruncate64(int file, off64_t size) noexcept
{
    return static_cast<int>(
        belay::backup::failing_call(BELAY_DISK.fails(true, file), SYS_ftruncate, file, size));
}
}

#undef BELAY_DISK
