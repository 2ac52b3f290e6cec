#pragma once
// Programs that make a filesystem smaller and save it: e2fsprogs 1.47, LVM 2.03, fuser, and belay's own
// backup. What they print and refuse was taken from the real ones; shrink_pinned_test.cpp holds e2fsprogs to
// it.

#include "simulated_ext.h"
#include "simulated_storage.h"

namespace belay::simulated {

class VolumePrograms {
  public:
    /// The storage must outlive the host.
    explicit VolumePrograms(SimulatedStorage& storage) : storage_(storage) {}
    void install(host::SimulatedHost& host) const;

    using Arguments = std::vector<std::string>;
    using Outcome = host::Outcome;
    using Machine = host::Machine;

    // Of what is no array.
    Outcome dumpe2fs(Machine& machine, const Arguments& argv) const;
    Outcome resize2fs(Machine& machine, const Arguments& argv) const;
    /// With short options.
    Outcome mount(Machine& machine, const Arguments& argv) const;

  private:
    Outcome e2fsck(Machine& machine, const Arguments& argv) const;
    Outcome remount(Machine& machine, const std::string& options, const std::string& path) const;

    Outcome lvm(Machine& machine, const Arguments& argv) const;
    Outcome volumes(const Machine& machine, const Arguments& argv) const;
    Outcome resize_volume(Machine& machine, const Arguments& argv) const;

    Outcome backup(Machine& machine, const Arguments& argv) const;
    Outcome save_device(Machine& machine, const Arguments& argv) const;
    Outcome restore_device(Machine& machine, const Arguments& argv) const;
    Outcome fingerprint(Machine& machine, const std::string& path) const;
    Outcome remove(Machine& machine, const Arguments& argv) const;

    /// The kernel name that a path leads to; empty where it leads nowhere.
    static std::string device_at(const Machine& machine, const std::string& path);
    bool is_mounted(const std::string& device) const;

    SimulatedStorage& storage_;
};

}  // namespace belay::simulated
