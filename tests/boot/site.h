#pragma once
// A Debian on one disk that starts by UEFI, with blank disks beside it and Belay's programs, whose disks are
// pulled and put back between boots.

#include "folder.h"
#include "qemu/vm.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace belay::boot {

/// What the firmware remembers when it starts.
enum class Firmware {
    kept,     ///< what it knew when it was last switched off
    factory,  ///< nothing, as after its battery or its board was changed
};

/// Threads: one.
class Site {
  public:
    /// The disks LAB-a (installed), LAB-b and LAB-c (blank). Errors: those of the lab.
    static Result<Site> make();

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
