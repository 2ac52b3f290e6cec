#pragma once
// A throw-away host: a real kernel (user-mode Linux) in a process, with files as disks.
//
//     lab::Folder folder = TRY(lab::Folder::make());
//     auto host = TRY(lab::Host::boot(folder, {.disks = {{"a", {256 << 20}}, {"b", {256 << 20}}}}));
//     TRY(host->run({"mdadm", "--create", ..., host->device("a"), host->device("b")}));
//     host->power_cut();
//     host = TRY(lab::Host::boot(folder, ...));    // the same disks, with what had been written to them
//
// The guest sees the real machine's whole tree at the same paths; what it writes there stays in its memory
// and is gone with it. Only disks and shares last.

#include "base/result.h"
#include "base/units.h"
#include "folder.h"
#include "host/host.h"
#include "machine.h"
#include "network.h"
#include "process.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace belay::lab {

/// A disk; its image in the Folder is HOST-NAME.img.
struct Disk {
    std::string name;         ///< letters, digits, "-"
    Bytes size;               ///< a multiple of 512
    std::string serial = {};  ///< empty: "LAB-" and the name
};

struct Options {
    std::string name = "host";  ///< also the host name in the guest
    Bytes memory = {512 << 20};
    std::vector<Disk> disks = {};                                    ///< at most 8, with those plugged later
    std::vector<std::string> modules = {"raid1", "dm-mod", "loop"};  ///< loaded before udev sees the disks
    std::vector<std::string> shares = {};  ///< folders of the real machine that the guest may write into
    std::shared_ptr<Network> network = {};
    std::string address = {};                            ///< on the network, as "10.0.0.1/24"
    std::vector<std::vector<std::string>> at_boot = {};  ///< run one after another as soon as it is ready
    std::string kernel = "/usr/bin/linux.uml";
    Milliseconds limit = std::chrono::seconds(60);  ///< until it is ready
};

/// The guest is gone, as in a power cut, when this object goes. Threads: any for run and start; the others
/// one at a time.
class Host {
  public:
    /// Returns when udev has settled and arrays are assembled. Errors: not_found (no kernel on this
    /// machine), refused (a disk's image has another size), timeout, lost (the kernel died; `output` is the
    /// end of its console), failed (something in `at_boot`).
    /// `folder` must outlive the host.
    static Result<std::unique_ptr<Host>> boot(const Folder& folder, Options options);
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    /// Runs a command to its end; several may run at once. Its environment is that of a root shell. A
    /// non-zero exit is an Outcome. Errors: not_found, timeout (it was killed), lost (the guest has gone;
    /// what says why), corrupt.
    Result<host::Outcome> run(std::vector<std::string> argv, std::string_view input = {},
                              Milliseconds limit = std::chrono::seconds(60));
    /// Starts a command whose standard input and output are pipes. Errors: lost.
    Result<Process> start(std::vector<std::string> argv);
    /// Starts a command on a terminal of its own. Errors: lost.
    Result<Process> start_on_terminal(std::vector<std::string> argv, TerminalSize size = {});

    /// Off within a moment: what the guest had not written to its disks is lost.
    void power_cut();
    /// As of a machine that hangs for a while: nothing happens in the guest until thaw(), and its clocks go
    /// on.
    void freeze();
    void thaw();
    /// Off in order: processes ended, filesystems written and unmounted. Errors: lost, timeout.
    Result<void> power_off(Milliseconds limit = std::chrono::seconds(30));

    /// Puts a disk into the running guest; returns when udev has dealt with it. Errors: refused (eight are
    /// in, or this name is), failed, lost.
    Result<void> plug(Disk disk);
    /// Takes it out. Errors: not_found, busy (something has it open: unlike a real disk it cannot be torn
    /// out of an array or from under a mount), lost.
    Result<void> unplug(std::string_view disk);

    /// The path of a disk in the guest: /dev/disk/by-id/ubd-SERIAL. One that is not in is a programming
    /// error.
    std::string device(std::string_view disk) const;

    /// The file on the real machine with all that the kernel has printed.
    const std::string& console() const { return console_; }

  private:
    Host(const Folder& folder, Options options);

    Result<void> start_kernel();
    Result<void> prepare();
    Result<std::vector<std::string>> kernel_arguments(int line);
    Result<std::string> drive(size_t slot, const Disk& disk);
    Result<void> run_checked(std::vector<std::string> argv);
    Result<void> tell_kernel(const std::string& request) const;

    const Folder& folder_;
    const Options options_;
    const std::string console_;
    std::array<Disk, 8> drives_ = {};  ///< ubda to ubdh; free where it has no name
    std::shared_ptr<Line> line_;
    std::unique_ptr<Machine> machine_;
};

}  // namespace belay::lab
