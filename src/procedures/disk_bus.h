#pragma once
// disk.unplug, bus.scan and disk.locate: disks that go, come, and are looked for in their bays.

#include "procedures/procedures.h"

namespace belay::procedures {

/// A disk that nothing uses is taken out of the running kernel; abort finds it again. Source: the kernel's
/// sysfs (device/delete, scan); the hand-book's hot-unplug page.
Procedure disk_unplug();

/// The kernel looks for disks on its buses. Source: as above.
Procedure bus_scan();

/// The light of a bay, or a disk's activity light. Source: ledctl(8); the hand-book's page on finding a disk.
Procedure disk_locate();

}  // namespace belay::procedures
