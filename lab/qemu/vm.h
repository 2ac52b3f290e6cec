#pragma once
// A virtual machine that boots as a real one does: UEFI firmware with its variables or a BIOS, a boot loader
// from a disk, Debian's kernel and initramfs. Software emulation: a boot takes some twenty seconds.
//
//     lab::VmOptions options = {.disks = {{"a", "/tmp/a.img"}}, .variables = "/tmp/vars.fd", ...};
//     auto vm = TRY(lab::Vm::boot(options));
//     TRY(vm->run({"mdadm", "--detail", "--scan"}));
//     TRY(vm->power_off());
//
// What a disk holds outlives the machine; a disk that is not among the options is a disk that was pulled.

#include "base/result.h"
#include "base/units.h"
#include "host/host.h"
#include "machine.h"
#include "process.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace belay::lab {

/// A virtio disk: /dev/disk/by-id/virtio-SERIAL in the guest.
struct VmDisk {
    std::string serial;  ///< at most 20 characters
    std::string image;   ///< a raw image
};

/// What starts the machine: OVMF, or SeaBIOS from the first disk alone, as a BIOS does.
enum class Firmware { uefi, bios };

struct VmOptions {
    std::vector<VmDisk> disks = {};
    Firmware firmware = Firmware::uefi;
    std::string variables;  ///< for UEFI: the file with the firmware's variables, which is written
    std::string console;    ///< the file that takes what firmware, boot loader and kernel print
    /// A kernel that is started past the firmware's own choice, with its command line: to install.
    std::string kernel = {}, initramfs = {}, command_line = {};
    Bytes memory = {768 << 20};
    Milliseconds limit = std::chrono::minutes(10);  ///< until it takes commands
};

/// The machine is gone, as in a power cut, when this object goes. Threads: any for run; the others one at a
/// time.
class Vm {
  public:
    /// Returns when the guest takes commands. Errors: not_found (no QEMU), timeout and lost, with the end of
    /// the console.
    static Result<std::unique_ptr<Vm>> boot(const VmOptions& options);
    ~Vm() = default;
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    /// Runs a command to its end. A non-zero exit is an Outcome. Errors: not_found, timeout, lost, corrupt.
    Result<host::Outcome> run(std::vector<std::string> argv, std::string_view input = {},
                              Milliseconds limit = std::chrono::minutes(10));
    /// The same, and a non-zero exit is a failure; returns what it printed.
    Result<std::string> run_checked(std::vector<std::string> argv, std::string_view input = {},
                                    Milliseconds limit = std::chrono::minutes(10));

    void power_cut() { machine_->kill(); }
    /// Off in order: processes ended, filesystems written and unmounted. Errors: lost, timeout.
    Result<void> power_off(Milliseconds limit = std::chrono::minutes(1));

  private:
    Vm() = default;

    std::shared_ptr<Line> line_;
    std::unique_ptr<Machine> machine_;
};

/// The same machine on this terminal: what the firmware and the boot loader print, then a root shell. Returns
/// QEMU's exit code. Errors: not_found.
Result<int> on_terminal(const VmOptions& options);

/// The firmware's variables as they leave the factory.
inline constexpr const char* factory_variables = "/usr/share/OVMF/OVMF_VARS_4M.fd";

}  // namespace belay::lab
