#pragma once
// A host that is nowhere: a thousand disks with SMART, and three hundred arrays on them, each mounted.

#include "host/contact.h"

#include <vector>

namespace belay::large_host {

inline constexpr size_t disk_count = 1000;
inline constexpr size_t array_count = 300;

/// What it answers to read_survey(), in the order in which that asks, as for host/recording.h.
std::vector<host::Contact> contacts();

}  // namespace belay::large_host
