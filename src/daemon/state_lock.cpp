#include "daemon/state_lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace belay::daemon {
namespace {

Result<host::Descriptor> open_file(const std::string& path)
{
    host::Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    // Real descriptors only: a command gets its input and output as 0, 1 and 2.
    if (file.number() > STDERR_FILENO) return file;
    host::Descriptor higher(fcntl(file.number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!higher) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    return higher;
}

/// False: somebody else holds it.
Result<bool> lock(const host::Descriptor& file, int how, const std::string& path)
{
    while (flock(file.number(), how) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) return std::unexpected(system_error(fmt::format("lock {}", path), errno));
    }
    return true;
}

/// By fcntl(2), so that a program which is being started, and outlives this process for that moment, does not
/// hold it. False: somebody else does.
Result<bool> lock_for_this_process(const host::Descriptor& file, int how, const std::string& path)
{
    struct flock all{};
    all.l_type = F_WRLCK;
    all.l_whence = SEEK_SET;
    while (fcntl(file.number(), how, &all) != 0) {
        if (errno == EAGAIN || errno == EACCES) return false;
        if (errno != EINTR) return std::unexpected(system_error(fmt::format("lock {}", path), errno));
    }
    return true;
}

/// Who holds the lock, as it has written it down; 0: it has not.
struct Holder {
    pid_t pid = 0;
    bool gives_way = false;
};

constexpr std::string_view giving_way = " gives way";

Holder holder_in(const host::Descriptor& file)
{
    std::array<char, 32> room{};
    const ssize_t count = pread(file.number(), room.data(), room.size(), 0);
    const std::string_view text(room.data(), static_cast<size_t>(std::max<ssize_t>(count, 0)));
    Holder holder;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), holder.pid);
    holder.gives_way =
        problem == std::errc() && text.substr(static_cast<size_t>(end - text.data())) == giving_way;
    return holder;
}

void write_holder(const host::Descriptor& file, bool gives_way)
{
    // For others to read only, so a disk that is full is no reason not to start.
    const std::string text = fmt::format("{}{}", getpid(), gives_way ? giving_way : "");
    if (ftruncate(file.number(), 0) == 0)
        static_cast<void>(pwrite(file.number(), text.data(), text.size(), 0) >= 0);
}

Error taken_by(const Holder& holder, const std::string& folder)
{
    const std::string who = holder.pid > 0 ? fmt::format("belayd with pid {}", holder.pid) : "belayd";
    return {.kind = ErrorKind::busy,
            .what = fmt::format("{} serves {} already", who, folder),
            .next = "belay talks to it by its own socket: see --socket"};
}

/// Tells the one that holds the lock to end. It has it until it has ended, so that a number which it does not
/// have any more is nobody's while the lock is held.
Result<void> replace(const Holder& holder, const host::Descriptor& file, const std::string& path)
{
    const host::Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, holder.pid, 0)));
    if (TRY(lock_for_this_process(file, F_SETLK, path))) return {};
    if (!process || syscall(SYS_pidfd_send_signal, process.number(), SIGTERM, nullptr, 0) != 0)
        return std::unexpected(system_error(fmt::format("end the belayd with pid {}", holder.pid), errno));
    TRY(lock_for_this_process(file, F_SETLKW, path));
    return {};
}

}  // namespace

Result<StateLock> StateLock::take(const std::string& folder, bool gives_way,
                                  const std::function<void()>& waiting)
{
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return std::unexpected(system_error(fmt::format("make the folder {}", folder), errno));

    const std::string daemon_path = folder + "/daemon";
    host::Descriptor daemon = TRY(open_file(daemon_path));
    if (!TRY(lock_for_this_process(daemon, F_SETLK, daemon_path))) {
        const Holder holder = holder_in(daemon);
        if (gives_way || !holder.gives_way) return std::unexpected(taken_by(holder, folder));
        TRY(replace(holder, daemon, daemon_path));
    }
    write_holder(daemon, gives_way);

    const std::string commands_path = folder + "/lock";
    host::Descriptor commands = TRY(open_file(commands_path));
    if (!TRY(lock(commands, LOCK_EX | LOCK_NB, commands_path))) {
        waiting();
        TRY(lock(commands, LOCK_EX, commands_path));
    }
    return StateLock(std::move(daemon), std::move(commands));
}

}  // namespace belay::daemon
