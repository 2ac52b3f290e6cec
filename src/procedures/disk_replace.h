#pragma once
// disk.replace: one disk of a mirror by another, while the mirror is in use.

#include "procedures/procedures.h"

namespace belay::procedures {

/// The joining disk becomes a third leg of every mirror that the leaving disk carries; all three serve until
/// commit, which lets the leaving one go. Source: mdadm(8); the hand-book's "RAID pomoci mdadm" and
/// "Rozdeleni disku".
Procedure disk_replace();

}  // namespace belay::procedures
