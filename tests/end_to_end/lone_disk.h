#pragma once
// A lab host whose data stand on a mirror of one disk, which has an EFI system partition too; a blank disk
// beside it. /etc/fstab, the hooks' folders and Belay's state are on a disk of their own, so that a power cut
// is honest.

#include "host.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace belay {

/// Threads: one.
class LoneDisk {
  public:
    static constexpr const char* serving = "LAB-a";
    static constexpr const char* joining = "LAB-b";

    /// Errors: those of the lab; failed, naming the command.
    static Result<LoneDisk> make();

    /// Boots it on the disks as they are, and mounts what /etc/fstab says.
    Result<void> boot();
    void power_cut() { host_.reset(); }
    /// Keeps the disks as they are, and puts them back; the host is off.
    Result<void> keep() { return copy_disks("", ".kept"); }
    Result<void> put_back() { return copy_disks(".kept", ""); }
    Result<void> power_off();

    /// A line for the shell; a non-zero exit is a failure.
    Result<std::string> shell(const std::string& line);
    Result<host::Outcome> belay(std::vector<std::string> words);
    lab::Host& host() { return *host_; }
    static std::string program(const std::string& name);

    /// A program that writes all the time and knows what it was promised.
    Result<void> start_load();
    /// Ends it, or after a power cut looks at what it had been promised until then; and checks every block.
    Result<void> verify_load();
    /// The last that it said before the power goes.
    void hear_load();

  private:
    LoneDisk() = default;

    Result<void> start();
    Result<void> install();
    Result<void> mount_state();
    Result<void> copy_disks(const std::string& from, const std::string& to);

    std::optional<lab::Folder> folder_;
    std::unique_ptr<lab::Host> host_;
    std::optional<lab::Process> load_;
    std::string said_;
};

}  // namespace belay
