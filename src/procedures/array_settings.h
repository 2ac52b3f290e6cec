#pragma once
// array.bitmap, array.sync-speed, array.sync-pause: what can be set on an array while it is in use.

#include "procedures/procedures.h"

namespace belay::procedures {

/// An internal write-intent bitmap is made or removed. Source: mdadm(8), --bitmap; the hand-book's "RAID
/// pomoci mdadm".
Procedure array_bitmap();

/// The limits of an array's resync are set; abort and the timer put the old ones back. Source: md(4),
/// sync_speed_max.
Procedure array_sync_speed();

/// Resync, recovery and reshape are held until commit, abort or the timer lets them go on. Source: md(4),
/// sync_action.
Procedure array_sync_pause();

}  // namespace belay::procedures
