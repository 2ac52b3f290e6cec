#include "qemu/debian.h"

#include "host/real.h"
#include "qemu/vm.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace belay::lab {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t disk_size = 480 << 20;
constexpr Milliseconds slow = std::chrono::minutes(20);

Result<std::string> run(std::vector<std::string> argv, Milliseconds limit = std::chrono::minutes(5))
{
    const std::unique_ptr<host::Host> host = host::real_host();
    host::Outcome outcome = TRY(
        host::run_checked(*host, {.argv = std::move(argv), .effect = host::Effect::changes, .limit = limit}));
    return std::move(outcome.out);
}

std::string text_of(const fs::path& path)
{
    std::ifstream file(path);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

/// Boots the tree that make-root made, and lets it install itself on a blank disk for each firmware.
Result<void> install(const fs::path& folder, const Debian& efi, const Debian& bios)
{
    TRY(make_blank(efi.disk));
    TRY(make_blank(bios.disk));
    TRY(copy_image(factory_variables, efi.variables));
    const std::unique_ptr<Vm> vm = TRY(
        Vm::boot({.disks = {{"seed", folder / "root.ext4"}, {"LAB-efi", efi.disk}, {"LAB-bios", bios.disk}},
                  .variables = efi.variables,
                  .console = folder / "install.console",
                  .kernel = folder / "vmlinuz",
                  .initramfs = folder / "initrd.img",
                  .command_line = "root=/dev/disk/by-id/virtio-seed ro init=/sbin/belay-lab-guest "
                                  "console=ttyS0 quiet mitigations=off"}));
    const std::string script = text_of(BELAY_VM_INSTALL);
    TRY(vm->run_checked({"sh", "-s"}, script, slow));
    return vm->power_off();
}

}  // namespace

Result<void> copy_image(const std::string& from, const std::string& to)
{
    TRY(run({"cp", "--sparse=always", from, to}));
    return {};
}

Result<void> make_blank(const std::string& path)
{
    std::ofstream(path).flush();
    std::error_code error;
    fs::resize_file(path, disk_size, error);
    if (error) return std::unexpected(system_error("make " + path, error.value()));
    return {};
}

Result<Debian> Debian::installed(Firmware firmware)
{
    const fs::path folder = BELAY_VM_CACHE;
    const Debian efi{folder / "efi.img", folder / "efi.vars"}, bios{folder / "bios.img", ""};
    const Debian& debian = firmware == Firmware::uefi ? efi : bios;
    const fs::path stamp = folder / "installed.of";
    const std::string made_of = TRY(run({"sha256sum", BELAY_VM_MAKE_ROOT, BELAY_VM_INSTALL, BELAY_VM_GUEST}));
    if (text_of(stamp) == made_of) return debian;
    std::error_code error;
    fs::create_directories(folder, error);
    fs::remove(stamp, error);
    TRY(run({"sh", BELAY_VM_MAKE_ROOT, folder, BELAY_VM_GUEST}, slow));
    TRY(install(folder, efi, bios));
    fs::remove(folder / "root.ext4", error);
    std::ofstream(stamp) << made_of;
    return debian;
}

}  // namespace belay::lab
