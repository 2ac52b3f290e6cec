#include "upgrade/driver/turn.h"

#include "base/digest.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>

namespace belay::upgrade::driver {
namespace {

constexpr Milliseconds between_tries = std::chrono::milliseconds(50);

}  // namespace

Result<host::Descriptor> take_turn(std::string_view member, Milliseconds limit)
{
    const std::string path = fmt::format("/run/lock/belay-driver-{:.16}", sha256(member));
    host::Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    const auto until = std::chrono::steady_clock::now() + limit;
    while (flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR && errno != EWOULDBLOCK)
            return std::unexpected(system_error(fmt::format("lock {}", path), errno));
        if (std::chrono::steady_clock::now() > until)
            return fail(ErrorKind::busy,
                        "another driver, or a command that it started, is at work on this member",
                        "fuser -v " + path);
        std::this_thread::sleep_for(between_tries);
    }
    return file;
}

}  // namespace belay::upgrade::driver
