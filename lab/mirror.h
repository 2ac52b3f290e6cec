#pragma once
// A lab host as people have them: two disks, one partition each, an md mirror over both, ext4 on it, mounted;
// two more disks, blank; Belay's state on a disk of its own, so that a power cut is honest. Or the same with
// an array of another level over up to four disks.

#include "host.h"

#include <memory>
#include <string>
#include <vector>

namespace belay::lab {

struct MirrorOptions {
    Bytes disk = {192 << 20};
    Bytes joining = {192 << 20};  ///< of each blank disk
    std::string level = "1";
    unsigned members = 2;  ///< at most 4
    Bytes used = {0};      ///< of each member; 0: all
    /// "xfs"; "lvm": the volume group lab with ext4 on its volume data; "luks": ext4 on what is opened as
    /// secret.
    std::string content = "ext4";
    std::string programs =
        {};  ///< the folder of belay, belayd and belay-load; empty: that of the running program
};

/// Threads: as Host.
class Mirror {
  public:
    static constexpr const char* leaving = "LAB-a";  ///< serials
    static constexpr const char* staying = "LAB-b";
    static constexpr const char* joining = "LAB-c";
    static constexpr const char* spare = "LAB-d";
    static constexpr const char* data = "/srv/data";  ///< where the filesystem is mounted

    /// The serials of the disks that are members at first.
    std::vector<std::string> members() const;

    /// Boots the host on new disks and makes everything. Errors: those of the lab; failed, naming the
    /// command. `folder` must outlive it.
    static Result<Mirror> build(const Folder& folder, MirrorOptions options = {});

    /// Boots it again on the disks as they are, checks nothing, mounts what is to be mounted. `without`: the
    /// serials of disks that are pulled; an array that lacks a member is started for all that, as a host's
    /// timer does after a while.
    Result<void> boot(const std::vector<std::string>& without = {});
    void power_cut() { host_.reset(); }
    bool is_up() const { return host_ != nullptr; }
    Host& host() { return *host_; }

    /// Runs a command in the guest and takes a non-zero exit for a failure.
    Result<std::string> run(std::vector<std::string> argv, Milliseconds limit = std::chrono::seconds(60));
    /// Runs belay with these arguments; its exit code is the caller's to look at.
    Result<host::Outcome> belay(std::vector<std::string> arguments,
                                Milliseconds limit = std::chrono::seconds(120));

    std::string program(const std::string& name) const { return options_.programs + "/" + name; }
    /// What is mounted: the array, or the device on it.
    std::string filesystem() const;
    /// Opens the array whose content is "luks", as a person would by a passphrase.
    Result<void> open_luks();
    /// The array, by a path that outlives the boot.
    std::string array() const { return "/dev/disk/by-id/md-uuid-" + uuid_; }
    std::string disk(const std::string& serial) const { return "/dev/disk/by-id/ubd-" + serial; }

  private:
    Mirror(const Folder& folder, MirrorOptions options) : folder_(&folder), options_(std::move(options)) {}

    Result<void> start_host(const std::vector<std::string>& without = {});
    Result<void> make_mirror();
    Result<void> make_content();
    Result<void> write_passphrase();
    Result<void> mount();

    const Folder* folder_;
    MirrorOptions options_;
    std::unique_ptr<Host> host_;
    std::string uuid_;
};

}  // namespace belay::lab
