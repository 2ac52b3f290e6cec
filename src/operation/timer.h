#pragma once
// The auto-abort timer: a deadline that a clock that jumps neither fires early nor loses, and that a reboot
// survives.
//
// Within one boot only the boot clock counts (it never jumps, and it runs through a sleep). Across a reboot
// only the wall clock can tell how long the host was down, so the deadline is kept in both, and rewritten
// whenever the wall clock is set. A wall clock that comes back from a reboot earlier than it was (an empty
// battery) cannot give time back: what was left when the timer was last written, less what this boot has
// lasted, is the most that can be left. Not so where another machine has taken over (a controller from
// another): since when that runs says nothing, and their wall clocks have to agree.

#include "host/host.h"

#include <nlohmann/json_fwd.hpp>

namespace belay::operation {

struct Timer {
    Milliseconds length{0};         ///< as it was asked for, extensions included
    Milliseconds boot_deadline{0};  ///< on the boot clock of `boot_id`
    Milliseconds wall_deadline{0};  ///< on the wall clock, as that was when this was written
    Milliseconds left_when_written{0};
    std::string boot_id = {};
    std::string machine = {};  ///< that has these clocks; empty: not known
    bool stopped = false;
};

Timer start_timer(Milliseconds length, const host::Moment& now);

/// What is left, negative when it has run out; what was left when it was stopped, if it is stopped.
Milliseconds left_of(const Timer& timer, const host::Moment& now);

/// The same deadline, written down anew for this boot and this wall clock.
Timer rebased(const Timer& timer, const host::Moment& now);
/// Whether rebased() would say something new: another boot, or a wall clock that moved by more than a second.
bool needs_rebase(const Timer& timer, const host::Moment& now);

Timer stopped(const Timer& timer, const host::Moment& now);
Timer restarted(const Timer& timer, const host::Moment& now);
Timer extended(const Timer& timer, Milliseconds by, const host::Moment& now);
/// One that runs, and for so long at least.
Timer at_least(const Timer& timer, Milliseconds left, const host::Moment& now);

void to_json(nlohmann::json& json, const Timer& timer);
void from_json(const nlohmann::json& json, Timer& timer);

}  // namespace belay::operation
