#include "lone_disk.h"

#include "host/real.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

namespace belay {
namespace {

using namespace std::chrono_literals;

constexpr const char* blocks = "/srv/data/blocks";
constexpr const char* slots = "256";
constexpr const char* disks[] = {"a", "b", "state"};

/// As Debian's installer leaves a host, all but the root.
constexpr const char* install_script = R"(
sfdisk --quiet /dev/disk/by-id/ubd-LAB-a <<END
label: gpt
size=40M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="esp"
type=A19D880F-05FC-4D3B-A006-743F0F84911E, name="data"
END
udevadm settle
mdadm --create /dev/md0 --run --level=1 --raid-devices=1 --force --bitmap=internal --homehost=any --name=data \
    --uuid=a10e0000:a10e0000:a10e0000:a10e0000 /dev/disk/by-id/ubd-LAB-a-part2
mke2fs -q -t ext4 /dev/md0
mkfs.vfat -F 32 -i 1b2c3d4e /dev/disk/by-id/ubd-LAB-a-part1
mke2fs -q -t ext4 /dev/disk/by-id/ubd-LAB-state
udevadm settle
mkdir -p /srv/state
mount /dev/disk/by-id/ubd-LAB-state /srv/state
mkdir -p /srv/state/belay /srv/state/kernel/postinst.d /srv/state/kernel/postrm.d /srv/state/apt
echo 'UUID=1B2C-3D4E /boot/efi vfat umask=0077 0 1' > /srv/state/fstab
)";

/// The folder of a mount point is on the root, which outlives a power cut on a real host.
constexpr const char* mount_script = R"(
mountpoint -q /srv/state || { mkdir -p /srv/state; mount /dev/disk/by-id/ubd-LAB-state /srv/state; }
mkdir -p /var/lib/belay /srv/data /etc/kernel /etc/apt/apt.conf.d
mount --bind /srv/state/belay /var/lib/belay
mount --bind /srv/state/kernel /etc/kernel
mount --bind /srv/state/apt /etc/apt/apt.conf.d
ln -sf /srv/state/fstab /etc/fstab
for folder in $(awk '$3 == "vfat" { print $2 }' /etc/fstab); do mkdir -p $folder; done
mount /dev/disk/by-id/md-uuid-a10e0000:a10e0000:a10e0000:a10e0000 /srv/data
mount --all
)";

}  // namespace

std::string LoneDisk::program(const std::string& name)
{
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / name;
}

Result<LoneDisk> LoneDisk::make()
{
    LoneDisk site;
    site.folder_.emplace(TRY(lab::Folder::make()));
    TRY(site.start());
    TRY(site.shell(install_script));
    TRY(site.mount_state());
    TRY(site.shell(
        "mkdir -p /boot/efi/EFI/debian; head -c 300000 /dev/urandom > /boot/efi/EFI/debian/grubx64.efi; "
        "echo 'search root' > /boot/efi/EFI/debian/grub.cfg"));
    return site;
}

Result<void> LoneDisk::start()
{
    host_ = TRY(lab::Host::boot(*folder_, {.name = "lone",
                                           .memory = {256 << 20},
                                           .disks = {{"a", {112 << 20}, serving},
                                                     {"b", {112 << 20}, joining},
                                                     {"state", {64 << 20}, "LAB-state"}},
                                           .modules = {"raid1", "vfat", "nls_cp437", "nls_iso8859-1"}}));
    return {};
}

Result<void> LoneDisk::mount_state()
{
    TRY(shell(mount_script));
    return {};
}

Result<void> LoneDisk::boot()
{
    host_.reset();
    TRY(start());
    return mount_state();
}

Result<void> LoneDisk::power_off()
{
    TRY(host_->power_off());
    host_.reset();
    return {};
}

Result<void> LoneDisk::copy_disks(const std::string& from, const std::string& to)
{
    const std::unique_ptr<host::Host> machine = host::real_host();
    for (const char* disk : disks) {
        const std::string image = fmt::format("{}/lone-{}.img", folder_->path(), disk);
        TRY(host::run_checked(*machine, {.argv = {"cp", "--sparse=always", image + from, image + to},
                                         .effect = host::Effect::changes}));
    }
    return {};
}

Result<std::string> LoneDisk::shell(const std::string& line)
{
    const host::Outcome outcome = TRY(host_->run({"sh", "-ec", line}));
    if (outcome.exit_code != 0)
        return fail(ErrorKind::failed, fmt::format("{} ended with exit code {}: {}{}", line,
                                                   outcome.exit_code, outcome.out, outcome.err));
    return outcome.out;
}

Result<host::Outcome> LoneDisk::belay(std::vector<std::string> words)
{
    words.insert(words.begin(), program("belay"));
    return host_->run(std::move(words), {}, 120s);
}

Result<void> LoneDisk::start_load()
{
    TRY(shell(fmt::format("rm -f {}", blocks)));
    load_.emplace(TRY(
        host_->start({program("belay-load"), "run", blocks, "--slots", slots, "--rate", "100", "--report"})));
    TRY(load_->read_until("ready\n", 30s));
    said_.clear();
    return {};
}

void LoneDisk::hear_load()
{
    for (Result<std::string> more = load_->read(1ms); more && !more->empty(); more = load_->read(1ms))
        said_ += *more;
    load_.reset();
}

Result<void> LoneDisk::verify_load()
{
    if (load_) {
        TRY(load_->signal(SIGTERM));
        const host::Outcome outcome = TRY(load_->wait(30s));
        load_.reset();
        if (outcome.exit_code == 0 && outcome.out.find(", 0 lost") != std::string::npos) return {};
        return fail(ErrorKind::failed, "the load lost something: " + outcome.out + outcome.err);
    }
    // The last line may have been cut short; the one before it is whole.
    const size_t end = said_.rfind('\n');
    const size_t last = end == std::string::npos ? end : said_.rfind("ack ", end);
    const uint64_t promised =
        last == std::string::npos ? 0 : std::strtoull(said_.c_str() + last + 4, nullptr, 10);
    TRY(shell(
        fmt::format("{} check {} --slots {} --last {}", program("belay-load"), blocks, slots, promised)));
    return {};
}

}  // namespace belay
