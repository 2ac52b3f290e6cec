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
#include <sys/mount.h>
#include <sys/stat.h>

namespace {

using namespace belay;
using namespace belay::lab;

constexpr const char* line = "/dev/virtio-ports/org.belay.lab";
constexpr const char* virtio_console = "0x0003";  // include/uapi/linux/virtio_ids.h

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

/// Whether the machine has ports at all: on a terminal it has none.
bool has_ports()
{
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/bus/virtio/devices", error)) {
        std::ifstream file(entry.path() / "device");
        std::string type;
        std::getline(file, type);
        if (type == virtio_console) return true;
    }
    return false;
}

Result<void> serve()
{
    // QEMU names a port some time after its driver has come up; no settling of udev waits for that.
    TRY(run_to_end({"udevadm", "wait", "--timeout=300", line}));
    const int port = ::open(line, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (port < 0) return std::unexpected(system_error(fmt::format("open {}", line), errno));
    Commands commands(port);
    commands.send(FrameType::hello, 0, {});
    commands.send(FrameType::ready, 0, {});
    return commands.serve();
}

Result<void> work()
{
    TRY(make_host());
    if (has_ports()) return serve();
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
