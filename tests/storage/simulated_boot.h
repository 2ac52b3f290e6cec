#pragma once
// What starts a simulated machine: FAT filesystems with files in them, /etc/fstab, the firmware's entries,
// boot code; and the programs that deal with them. What they print was taken from real ones: dosfstools 4.2,
// util-linux 2.38, coreutils 9.1, efibootmgr 17.

#include "simulated_storage.h"

namespace belay::simulated {

class BootPrograms {
  public:
    /// The storage must outlive the host.
    explicit BootPrograms(SimulatedStorage& storage) : storage_(storage) {}
    void install(host::SimulatedHost& host) const;

  private:
    using Arguments = std::vector<std::string>;
    using Outcome = host::Outcome;
    using Machine = host::Machine;

    static Outcome make_folder(Machine& machine, const Arguments& argv);
    static Outcome remove_folder(Machine& machine, const Arguments& argv);
    static Outcome digests(const Machine& machine, const Arguments& argv);
    Outcome make_fat(Machine& machine, const Arguments& argv) const;
    Outcome mount(Machine& machine, const Arguments& argv) const;
    Outcome unmount(Machine& machine, const Arguments& argv) const;
    Outcome mounts(Machine& machine, const Arguments& argv) const;
    Outcome copy(Machine& machine, const Arguments& argv) const;
    Outcome move(Machine& machine, const Arguments& argv) const;
    Outcome remove_file(Machine& machine, const Arguments& argv) const;
    Outcome sync(Machine& machine, const Arguments& argv) const;
    Outcome change_mode(Machine& machine, const Arguments& argv) const;
    Outcome test(Machine& machine, const Arguments& argv) const;
    Outcome efibootmgr(Machine& machine, const Arguments& argv) const;
    Outcome create_entry(Machine& machine, const Arguments& argv) const;
    std::string listed_entries() const;
    static Outcome debconf(Machine& machine, const std::string& input);
    Outcome grub_install(Machine& machine, const Arguments& argv) const;

    static std::string device_at(const Machine& machine, const std::string& path);

    SimulatedStorage& storage_;
};

}  // namespace belay::simulated
