#include "daemon/state_lock.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
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

std::string holder_in(const host::Descriptor& file)
{
    std::array<char, 16> room{};
    const ssize_t count = pread(file.number(), room.data(), room.size(), 0);
    if (count <= 0) return "belayd";
    return fmt::format("belayd with pid {}", std::string_view(room.data(), static_cast<size_t>(count)));
}

}  // namespace

Result<StateLock> StateLock::take(const std::string& folder, const std::function<void()>& waiting)
{
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return std::unexpected(system_error(fmt::format("make the folder {}", folder), errno));

    const std::string daemon_path = folder + "/daemon";
    host::Descriptor daemon = TRY(open_file(daemon_path));
    if (!TRY(lock(daemon, LOCK_EX | LOCK_NB, daemon_path)))
        return fail(ErrorKind::busy, fmt::format("{} serves {} already", holder_in(daemon), folder),
                    "belay talks to it by its own socket: see --socket");
    // For that sentence only, so a disk that is full is no reason not to start.
    const std::string pid = fmt::format("{}", getpid());
    if (ftruncate(daemon.number(), 0) == 0)
        static_cast<void>(pwrite(daemon.number(), pid.data(), pid.size(), 0) >= 0);

    const std::string commands_path = folder + "/lock";
    host::Descriptor commands = TRY(open_file(commands_path));
    if (!TRY(lock(commands, LOCK_EX | LOCK_NB, commands_path))) {
        waiting();
        TRY(lock(commands, LOCK_EX, commands_path));
    }
    return StateLock(std::move(daemon), std::move(commands));
}

}  // namespace belay::daemon
