#pragma once
// Which of the bays is it? The light of the bay, where the enclosure has one (ledctl(8)); else the disk's own
// activity light, which blinks when the disk is read.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::locate {

/// Whether ledctl can light the bay of this disk: it lists the controller that the disk is at. Errors: those
/// of the host; a host without ledctl is none.
Result<bool> has_light(host::Host& host, const Disk& disk);

/// Lights the bay. Back: dark again.
operation::Act light(const Disk& disk);
/// Makes it dark again.
operation::Act darken(const Disk& disk);

/// Reads the disk for a second: the first blink. Nothing has to be taken back.
operation::Act blink(const Disk& disk);
/// Reads the disk for a second each time that it is asked, past every cache, in the smallest pieces; passes
/// when the disk answers.
operation::Question blinks(const Disk& disk);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::locate
