#pragma once
// The world that the simulated operations change: a few resources, each with its own part of the machine.
//
//     /res/K/staging/NAME   prepared things
//     /res/K/setting/NAME   what is configured; NAME.new while it is being changed
//     /res/K/live/NAME      what the service was told; it follows the setting when it is reloaded
//     /res/K/member/NAME    "joining", then "ready"
//     /res/K/old/NAME       what a one-way step destroys
//     /res/K/charge/TOKEN   how often a once-only act was done; /res/K/note/TOKEN that it is known to be done
//     /res/K/job/NAME       milliseconds that a kernel job still needs; goes on after a power cut
//     /run/K/job/NAME       the same, for a job that dies with the boot
//     /res/K/result/NAME    what a job leaves when it is through
//     /res/K/log            lines that nobody takes back
//     /saved/TOKEN          what was saved of the old before it was destroyed
//     /env/gate/NAME        "good" or "bad"
//     /env/flaky/TOKEN      how often a flaky act has failed

#include "host/simulated.h"

namespace belay::simulation {

using host::Machine;

inline constexpr int resources = 4;

/// A name of a resource, as locks and paths use it: "0".."3".
std::string resource_path(std::string_view resource);
/// The volatile part of a resource.
std::string volatile_path(std::string_view resource);

/// The machine as it is before anybody changed it.
Machine first_machine();

/// What belongs to one resource, by path.
std::map<std::string, std::string> slice_of(const Machine& machine, std::string_view resource);
/// The part of a path's meaning that promise 1 is about.
bool is_staging(std::string_view path);

/// The program simctl and the kernel's jobs. Of `charged`, by token: how often the once-only act was done; it
/// is the world's own count, which nothing takes back.
void furnish(host::SimulatedHost& host, std::map<std::string, int>& charged);

}  // namespace belay::simulation
