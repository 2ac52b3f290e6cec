#pragma once
// Who uses a disk, a partition or an array: mounts, swap, what stands on it, what it is a member of, and the
// processes that have it open.

#include "operation/act.h"
#include "storage/device.h"

namespace belay::storage {

/// A few words each, as "/dev/sda1 is mounted on /srv"; empty: nothing that the kernel knows of. `device` is
/// a kernel name; what is on its partitions is not looked at.
std::vector<std::string> uses_of(const Inventory& host, const std::string& device);
/// The same of a disk and all of its partitions.
std::vector<std::string> uses_of(const Inventory& host, const Disk& disk);

/// The processes that have one of these devices (kernel names) open, as "dd (process 71) has /dev/sdb open".
/// Who opened it by a node elsewhere than in /dev is not seen. Who looks and goes is left out: udev,
/// smartctl, and whoever has closed it within two seconds. Source: proc(5), /proc/PID/fd.
Result<std::vector<std::string>> openers_of(host::Host& host, const std::set<std::string>& devices);

/// Nothing is on the device and nothing uses it: no table, no signature, no mount, no swap, no holder.
operation::Question is_blank(const Device& device);
/// Nothing uses the disk: no mount, no swap, no holder, no pool and no volume group that it belongs to, and
/// no process has it open. A filesystem that rests on it, and a superblock of an array that does not run, are
/// warned of.
operation::Question is_idle(const Disk& disk);
/// The same disk as it was planned for, and idle; or not there at all.
operation::Question may_go(const Disk& disk);
/// Nothing uses the array: no mount, no swap, no holder, and no process has it open. One that does not run is
/// not used.
operation::Question is_idle(const Array& array);

void fill_uses(operation::Catalogue& catalogue);

}  // namespace belay::storage
