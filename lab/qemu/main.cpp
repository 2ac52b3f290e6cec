// belay-lab-boot: a Debian in a virtual machine with UEFI or a BIOS, by hand.

#include "folder.h"
#include "qemu/debian.h"
#include "qemu/vm.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace belay;
using namespace belay::lab;
namespace fs = std::filesystem;

constexpr const char* examples = R"(
Examples:
  lab/boot                                 firmware, boot loader and a root shell on this terminal
  lab/boot --keep /tmp/machine --disks a,b     the disks LAB-a (installed) and LAB-b (blank) stay there
  lab/boot --keep /tmp/machine --disks b       the next time, with the first disk pulled
  lab/boot --keep /tmp/machine --disks b --factory    and with a firmware that knows no boot entry
  lab/boot --bios --keep /tmp/other        the same with a BIOS
  lab/boot --exec 'cat /proc/mdstat; efibootmgr'
  lab/boot --root build/zfs --disks a,b    a tree with ZFS that lab/qemu/zfs made, and two blank disks

The first run makes the Debian (some five minutes, as root). The end of the shell switches the machine off;
Ctrl-a x ends it at once. Exit code: of the command; 125 when the lab itself fails.)";

constexpr int lab_failed = 125;

struct Ask {
    std::string keep;
    std::vector<std::string> disks = {"a"};
    std::string command;
    std::string root;  ///< folder of a tree and its kernel; empty: the Debian that is installed
    bool factory = false;
    bool bios = false;
};

int complain(const Error& error)
{
    fmt::print(stderr, "lab/boot: {}\n{}{}", error.what, error.output, error.output.empty() ? "" : "\n");
    if (!error.next.empty()) fmt::print(stderr, "try: {}\n", error.next);
    return lab_failed;
}

/// The tree in `ask.root` is started past the firmware's own choice; what it writes there stays for a run
/// only.
Result<VmOptions> machine_with_root(const fs::path& folder, const Ask& ask)
{
    const fs::path tree = ask.root;
    VmOptions options{.disks = {{"LAB-root", folder / "root.img"}},
                      .variables = folder / "vars.fd",
                      .console = folder / "console",
                      .kernel = tree / "vmlinuz",
                      .initramfs = tree / "initrd.img",
                      .command_line =
                          "root=/dev/disk/by-id/virtio-LAB-root ro init=/sbin/belay-lab-guest "
                          "console=ttyS0 quiet",
                      .memory = {1 << 30}};
    TRY(copy_image(tree / "root.ext4", folder / "root.img"));
    TRY(copy_image(factory_variables, options.variables));
    for (const std::string& name : ask.disks) {
        options.disks.push_back({"LAB-" + name, folder / (name + ".img")});
        if (!fs::exists(options.disks.back().image)) TRY(make_blank(options.disks.back().image));
    }
    return options;
}

/// The machine's files in `folder`: those of the last time, or new ones.
Result<VmOptions> machine_in(const fs::path& folder, const Ask& ask)
{
    if (!ask.root.empty()) return machine_with_root(folder, ask);
    const Firmware firmware = ask.bios ? Firmware::bios : Firmware::uefi;
    const Debian debian = TRY(Debian::installed(firmware));
    VmOptions options{.firmware = firmware, .variables = folder / "vars.fd", .console = folder / "console"};
    if (ask.bios)
        options.variables.clear();
    else if (ask.factory)
        TRY(copy_image(factory_variables, options.variables));
    else if (!fs::exists(options.variables))
        TRY(copy_image(debian.variables, options.variables));
    for (const std::string& name : ask.disks) {
        const VmDisk disk{"LAB-" + name, folder / (name + ".img")};
        if (!fs::exists(disk.image)) {
            // Only the first disk is installed.
            TRY(disk.serial == Debian::serial ? copy_image(debian.disk, disk.image) : make_blank(disk.image));
        }
        options.disks.push_back(disk);
    }
    return options;
}

Result<int> work(const Ask& ask)
{
    const Result<Folder> folder = ask.keep.empty() ? Folder::make() : Folder::open(ask.keep);
    if (!folder) return std::unexpected(folder.error());
    const VmOptions options = TRY(machine_in(fs::path(folder->path()), ask));
    if (ask.command.empty()) return on_terminal(options);
    const std::unique_ptr<Vm> vm = TRY(Vm::boot(options));
    const host::Outcome outcome =
        TRY(vm->run({"sh", "-c", "exec 2>&1; " + ask.command}, {}, std::chrono::hours(1)));
    fmt::print("{}", outcome.out);
    TRY(vm->power_off());
    return outcome.exit_code;
}

}  // namespace

int main(int argc, char** argv)
{
    CLI::App app("A Debian in a virtual machine with UEFI firmware or a BIOS, its root on a mirror.",
                 "lab/boot");
    app.footer(examples);
    Ask ask;
    app.add_option("--keep", ask.keep, "folder for disk images and firmware variables, which then stay");
    app.add_option("--disks", ask.disks, "the disks that are plugged in; \"a\" is the installed one")
        ->delimiter(',')
        ->capture_default_str();
    app.add_option(
           "--root", ask.root,
           "folder with root.ext4, vmlinuz and initrd.img, which are started in place of a disk; every "
           "disk is then a blank one")
        ->check(CLI::ExistingDirectory);
    app.add_flag("--factory", ask.factory, "the firmware's variables as they leave the factory");
    app.add_flag("--bios", ask.bios, "a BIOS in place of UEFI; then the installed disk has an MBR")
        ->excludes("--factory");
    app.add_option("--exec", ask.command, "run this shell command in place of a shell");
    CLI11_PARSE(app, argc, argv);
    const Result<int> done = work(ask);
    return done ? *done : complain(done.error());
}
