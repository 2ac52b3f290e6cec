#include "guest/prepare.h"

#include "guest/modules.h"
#include "guest/run_to_end.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::lab {

namespace {

Result<void> link_to(const std::string& target, const std::string& path)
{
    if (::symlink(target.c_str(), path.c_str()) == 0 || errno == EEXIST) return {};
    return std::unexpected(system_error("make the link " + path, errno));
}

/// Rules of a desktop, of systemd and of networks cost most of udev's time and concern no disk. The others
/// stay, those of packages that we do not know as well.
constexpr std::array masked_rules = {"50-firmware.rules",
                                     "60-autosuspend.rules",
                                     "60-drm.rules",
                                     "60-evdev.rules",
                                     "60-fido-id.rules",
                                     "60-infiniband.rules",
                                     "60-input-id.rules",
                                     "60-persistent-alsa.rules",
                                     "60-persistent-input.rules",
                                     "60-persistent-v4l.rules",
                                     "60-sensor.rules",
                                     "60-serial.rules",
                                     "70-camera.rules",
                                     "70-joystick.rules",
                                     "70-memory.rules",
                                     "70-mouse.rules",
                                     "70-power-switch.rules",
                                     "70-touchpad.rules",
                                     "70-uaccess.rules",
                                     "71-seat.rules",
                                     "73-seat-late.rules",
                                     "73-special-net-names.rules",
                                     "75-net-description.rules",
                                     "75-probe_mtd.rules",
                                     "78-sound-card.rules",
                                     "80-net-setup-link.rules",
                                     "81-net-dhcp.rules",
                                     "85-hwclock.rules",
                                     "96-e2scrub.rules",
                                     "99-systemd.rules"};

/// udev names disks by their serial number only for the kinds that it knows, and ubd is none of them.
constexpr const char* serial_rules = R"(SUBSYSTEM!="block", GOTO="lab_end"
ACTION=="remove", GOTO="lab_end"
KERNEL=="ubd[a-h]", ATTR{serial}=="?*", ENV{ID_SERIAL}="$attr{serial}", ENV{ID_SERIAL_SHORT}="$attr{serial}", ENV{ID_BUS}="ubd", SYMLINK+="disk/by-id/ubd-$attr{serial}"
KERNEL=="ubd[a-h][0-9]*", ATTRS{serial}=="?*", ENV{ID_SERIAL}="$attr{serial}", ENV{ID_SERIAL_SHORT}="$attr{serial}", SYMLINK+="disk/by-id/ubd-$attr{serial}-part%n"
LABEL="lab_end"
)";

Result<void> mount_at(const char* source, const std::string& target, const char* type,
                      unsigned long flags = 0, const std::string& data = {})
{
    ::mkdir(target.c_str(), 0755);  // it may be there, and the mount says so if it is not
    if (::mount(source, target.c_str(), type, flags, data.c_str()) != 0)
        return std::unexpected(system_error("mount " + target, errno));
    return {};
}

Result<void> write_file(const std::string& path, std::string_view text)
{
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) return fail(ErrorKind::io, "cannot write " + path);
    return {};
}

/// Programs that talk to themselves over 127.0.0.1 need the interface up.
Result<void> raise_loopback()
{
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(system_error("open a socket", errno));
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    const int done = ::ioctl(fd, SIOCSIFFLAGS, &request);
    const int error = errno;
    ::close(fd);
    if (done != 0) return std::unexpected(system_error("raise the interface lo", error));
    return {};
}

/// As `udevadm trigger`, but for disks only: a guest has a hundred devices that nobody asks for.
Result<void> announce_disks()
{
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/block"))
        TRY(write_file(entry.path().string() + "/uevent", "add"));
    return {};
}

}  // namespace

Result<void> build_tree(const Wanted& wanted)
{
    TRY(mount_at("tmpfs", "/run", "tmpfs"));
    Modules modules = TRY(Modules::open());
    TRY(modules.load("overlay"));
    for (const char* folder : {"/run/tree", "/run/upper", "/run/work"}) ::mkdir(folder, 0755);
    // Beneath the overlay the files of the real machine stay cached; on hostfs alone every program that ends
    // takes its libraries out of the cache.
    TRY(mount_at("tree", "/run/tree", "overlay", 0, "lowerdir=/,upperdir=/run/upper,workdir=/run/work"));
    TRY(mount_at("/dev", "/run/tree/dev", nullptr, MS_MOVE));
    if (::chdir("/run/tree") != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 ||
        ::chroot(".") != 0 || ::chdir("/") != 0)
        return std::unexpected(system_error("enter the guest's tree", errno));

    TRY(mount_at("proc", "/proc", "proc"));
    TRY(mount_at("sysfs", "/sys", "sysfs"));
    TRY(mount_at("cgroup2", "/sys/fs/cgroup", "cgroup2"));
    TRY(mount_at("tmpfs", "/run", "tmpfs", 0, "mode=755"));
    TRY(mount_at("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666"));
    TRY(mount_at("tmpfs", "/dev/shm", "tmpfs"));
    // Commands that load modules by themselves look here.
    ::mkdir("/lib/modules", 0755);
    TRY(link_to(modules.folder(), "/lib/modules" + modules.folder().substr(modules.folder().rfind('/'))));
    for (const char* folder : {"/run/lock", "/run/lock/lvm", "/run/udev", "/run/udev/rules.d"})
        ::mkdir(folder, 0755);
    for (const std::string& share : wanted.shares) TRY(mount_at("none", share, "hostfs", 0, share));
    for (const std::string& module : wanted.modules) TRY(modules.load(module));
    if (::sethostname(wanted.name.c_str(), wanted.name.size()) != 0)
        return std::unexpected(system_error("name the host", errno));
    return raise_loopback();
}

Result<void> settle_devices()
{
    for (const char* rule : masked_rules)
        TRY(link_to("/dev/null", fmt::format("/run/udev/rules.d/{}", rule)));
    TRY(write_file("/run/udev/rules.d/61-lab-serial.rules", serial_rules));
    // udev leaves when its daemon listens.
    TRY(run_to_end({"/lib/systemd/systemd-udevd", "--daemon"}));
    TRY(announce_disks());
    return run_to_end({"udevadm", "settle", "--timeout=30"});
}

}  // namespace belay::lab
