#pragma once
// The programs of a simulated machine: what they print, what they refuse, and with which exit code.

#include "simulated_storage.h"

namespace belay::simulated {

class Programs {
  public:
    /// The storage must outlive the host.
    explicit Programs(SimulatedStorage& storage) : storage_(storage) {}
    void install(host::SimulatedHost& host) const;

  private:
    using Arguments = std::vector<std::string>;
    using Outcome = host::Outcome;
    using Machine = host::Machine;

    Outcome lsblk(Machine& machine, const Arguments& argv) const;
    Outcome findmnt() const;
    Outcome blkid(Machine& machine, const Arguments& argv) const;
    Outcome sfdisk(Machine& machine, const host::Command& command) const;
    Outcome blockdev(Machine& machine, const Arguments& argv) const;
    Outcome dd(Machine& machine, const Arguments& argv) const;
    Outcome mke2fs(Machine& machine, const Arguments& argv) const;
    Outcome mount(Machine& machine, const Arguments& argv) const;
    Outcome sysctl(const Arguments& argv) const;

    Outcome mdadm(Machine& machine, const Arguments& argv) const;
    Outcome create(Machine& machine, const Arguments& argv) const;
    Outcome add(Machine& machine, SimulatedStorage::Mirror& mirror, const std::string& path) const;
    Outcome fail_member(Machine& machine, SimulatedStorage::Mirror& mirror, const std::string& path,
                        const std::string& md) const;
    Outcome remove(Machine& machine, SimulatedStorage::Mirror& mirror, const std::string& path,
                   const std::string& md) const;
    Outcome replace(Machine& machine, SimulatedStorage::Mirror& mirror, const std::string& leaving,
                    const std::string& joining, const std::string& md) const;
    Outcome set_bitmap(Machine& machine, SimulatedStorage::Mirror& mirror, bool wanted) const;
    Outcome grow(Machine& machine, SimulatedStorage::Mirror& mirror, uint64_t legs,
                 const std::string& md) const;
    Outcome wait(Machine& machine, const std::string& md) const;
    Outcome forget(Machine& machine, const std::string& path) const;

    Json row_of(Machine& machine, const std::string& device) const;
    Outcome write_table(Machine& machine, SimulatedStorage::Disk& disk, const host::Command& command) const;
    /// The kernel name that a path leads to; empty where it leads nowhere.
    static std::string device_at(const Machine& machine, const std::string& path);
    SimulatedStorage::Disk* disk_at(const Machine& machine, const std::string& path) const;

    SimulatedStorage& storage_;
};

}  // namespace belay::simulated
