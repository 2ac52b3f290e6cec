#pragma once
// A Debian on one disk that starts by UEFI or by BIOS, with blank disks beside it and Belay's programs, whose
// disks are pulled and put back between boots.

#include "folder.h"
#include "qemu/vm.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace belay::boot {

/// What starts the machine, and what of its memory is left.
enum class Firmware {
    kept,     ///< UEFI, which knows what it knew when it was last switched off
    factory,  ///< UEFI that knows nothing, as after its battery or its board was changed
    bios,     ///< it remembers nothing, and starts the first disk
};

/// Threads: one.
class Site {
  public:
    /// The disks LAB-a (installed), LAB-b and LAB-c (blank). Errors: those of the lab.
    static Result<Site> make(lab::Firmware firmware);

    /// Switches on with these disks plugged in, as {"a", "b"}. Errors: those of the lab.
    Result<void> boot(const std::vector<std::string>& disks, Firmware firmware = Firmware::kept);
    /// In order. The disks can be copied then.
    Result<void> power_off();

    /// Keeps the disks and the firmware's memory as they are, and puts them back. The machine is off.
    Result<void> keep();
    Result<void> put_back();

    /// Runs belay; its exit code is the caller's to look at.
    Result<host::Outcome> belay(std::vector<std::string> words);
    /// A line for the shell; a non-zero exit is a failure.
    Result<std::string> shell(const std::string& line);
    /// The operation that the last `belay` of the machine began, as `belay show --json` tells it.
    Result<nlohmann::json> last_operation();

  private:
    explicit Site(lab::Folder folder) : folder_(std::move(folder)) {}

    std::string file(const std::string& name) const { return folder_.path() + "/" + name; }
    Result<void> make_programs();

    lab::Folder folder_;
    std::unique_ptr<lab::Vm> vm_;
};

}  // namespace belay::boot
