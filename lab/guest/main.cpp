// Process 1 of a guest: makes the host, then runs the commands that come over the serial line. When the lab
// hangs up, or anything fails, the guest switches itself off: none outlives its lab.

#include "guest/commands.h"
#include "guest/power.h"
#include "guest/prepare.h"
#include "guest/process_one.h"

#include <cerrno>
#include <fcntl.h>
#include <termios.h>

namespace {

using namespace belay;
using namespace belay::lab;

Result<int> open_line()
{
    const int line = ::open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line < 0) return std::unexpected(system_error("open /dev/ttyS0", errno));
    termios mode{};
    if (::tcgetattr(line, &mode) != 0) return std::unexpected(system_error("set /dev/ttyS0", errno));
    ::cfmakeraw(&mode);
    if (::tcsetattr(line, TCSANOW, &mode) != 0) return std::unexpected(system_error("set /dev/ttyS0", errno));
    return line;
}

Wanted read_wanted(const Frame& frame)
{
    Wanted wanted;
    for (const std::string& field : split(frame.payload)) {
        if (field.starts_with("name ")) wanted.name = field.substr(5);
        if (field.starts_with("module ")) wanted.modules.push_back(field.substr(7));
        if (field.starts_with("share ")) wanted.shares.push_back(field.substr(6));
    }
    return wanted;
}

Result<void> work()
{
    Commands commands(TRY(open_line()));
    commands.send(FrameType::hello, 0, {});
    TRY(commands.flush());
    const Frame wanted = TRY(commands.await_frame());
    Result<void> prepared = build_tree(read_wanted(wanted));
    if (prepared) prepared = settle_devices();
    if (!prepared) {
        commands.send(FrameType::broken, 0, prepared.error().what);
        TRY(commands.flush());
        return prepared;
    }
    commands.send(FrameType::ready, 0, {});
    TRY(commands.serve());
    leave_orderly();
    return {};
}

}  // namespace

int main()
{
    return as_process_one(work);
}
