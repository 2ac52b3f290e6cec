#pragma once
// Settings of an array that change no member: its bitmap, the speed of its copying, and whether it copies at
// all. Arrays are named by their UUID. Source: mdadm(8), md(4), the kernel's
// Documentation/admin-guide/md.rst.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::md {

enum class SpeedLimit { minimum, maximum };

/// The limit of now: KiB a second, or "system" where the array follows the host's.
Result<std::string> read_speed(host::Host& host, const Array& array, SpeedLimit limit);

/// Sets a limit of this array's copying to so many KiB a second. Back: the value that it has when it is
/// applied; `before` is shown in the plan.
operation::Act set_speed(const Array& array, SpeedLimit limit, uint64_t kib_per_second,
                         const std::string& before);

/// The bitmap of now: "none", "internal", or the path of the file that it is in.
Result<std::string> read_bitmap(host::Host& host, const Array& array);

/// Makes a bitmap, or removes it, named as by read_bitmap. Back: the one that it had when it is applied;
/// `before` is shown in the plan.
operation::Act set_bitmap(const Array& array, const std::string& bitmap, const std::string& before);

/// Holds resync, recovery and reshape of the array. Back: md goes on with what there is to do.
operation::Act hold_sync(const Array& array);
/// Lets md go on. It is for commit: nothing leads back.
operation::Act release_sync(const Array& array);

/// The array runs.
operation::Question runs(const Array& array);
/// Nothing is being copied in the array.
operation::Question is_quiet(const Array& array);
/// Nobody else holds the array's sync already.
operation::Question is_not_held(const Array& array);
/// Passes, with a warning where the array has lost a member and is kept from mending itself.
operation::Question has_all_members(const Array& array);

/// The speed limits and the bitmap of an array.
operation::Question settings_fingerprint(const Array& array);

void fill_settings(operation::Catalogue& catalogue);

}  // namespace belay::storage::md
