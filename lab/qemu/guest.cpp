// Process 1 of a virtual machine, in place of an init: brings up what a Debian has after its boot (udev, the
// mounts of /etc/fstab), then runs the commands that come over the line. Without a line it gives a shell on
// the console. When either ends the machine switches itself off.

#include "guest/commands.h"
#include "guest/power.h"
#include "guest/process_one.h"
#include "guest/run_to_end.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sys/mount.h>
#include <sys/stat.h>

namespace {

using namespace belay;
using namespace belay::lab;

constexpr const char* line_name = "org.belay.lab";

Result<void> mount_at(const char* type, const char* target)
{
    ::mkdir(target, 0755);  // it may be there, and the mount says so if it is not
    if (::mount(type, target, type, 0, "") != 0)
        return std::unexpected(system_error(fmt::format("mount {}", target), errno));
    return {};
}

/// The initramfs leaves /dev, /dev/pts, /proc, /sys and /run mounted, the root read-only, and no udev.
Result<void> make_host()
{
    TRY(mount_at("tmpfs", "/dev/shm"));
    ::mkdir("/run/lock", 0755);
    TRY(run_to_end({"hostname", "--file", "/etc/hostname"}));
    TRY(run_to_end({"/lib/systemd/systemd-udevd", "--daemon"}));
    TRY(run_to_end({"udevadm", "trigger", "--action=add"}));
    TRY(run_to_end({"udevadm", "settle", "--timeout=60"}));
    if (std::filesystem::exists("/sys/firmware/efi/efivars"))
        TRY(mount_at("efivarfs", "/sys/firmware/efi/efivars"));
    TRY(run_to_end({"mount", "-o", "remount,rw", "/"}));
    // What is not there and may be missing (nofail) is no error of mount's; anything else must not keep the
    // host from coming up, as it would not where systemd brings it up.
    if (const Result<void> mounted = run_to_end({"mount", "--all"}); !mounted)
        fmt::print("belay-lab: {}\n", mounted.error().what);
    return {};
}

/// The port of that name, whatever its number; nothing where the machine has none.
std::optional<std::string> port()
{
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/virtio-ports", error)) {
        std::ifstream file(entry.path() / "name");
        std::string name;
        std::getline(file, name);
        if (name == line_name) return "/dev/" + entry.path().filename().string();
    }
    return std::nullopt;
}

Result<void> serve(const std::string& path)
{
    const int line = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (line < 0) return std::unexpected(system_error("open " + path, errno));
    Commands commands(line);
    commands.send(FrameType::hello, 0, {});
    commands.send(FrameType::ready, 0, {});
    return commands.serve();
}

Result<void> work()
{
    TRY(make_host());
    const std::optional<std::string> line = port();
    if (line)
        TRY(serve(*line));
    else
        static_cast<void>(run_to_end({"setsid", "--ctty", "--wait", "bash", "--norc", "-i"}));
    return {};
}

Result<void> work_and_leave()
{
    const Result<void> done = work();
    leave_orderly();
    return done;
}

}  // namespace

int main()
{
    return as_process_one(work_and_leave);
}
