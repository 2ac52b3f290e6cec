#pragma once
// Lab hosts for the stand-ins of examples/contact-centre, and the one clock by which these write what
// happens.

#include "site.h"

#include <cstdint>

namespace belay::lab {

/// Where stand-ins may write what happens, on each host; it is in memory.
inline constexpr const char* trace_of_stand_ins = "/run/trace";

/// The hosts find each other by their names, belay-stand-in by its, and the licences of the contact centre.
SiteOptions with_stand_ins(SiteOptions options);

/// The processor's clock, which is the same one in all guests (belay-stand-in --one-clock).
int64_t processor_clock();
/// How many of its counts are a millisecond, as measured within a tenth of a second.
double counts_of_a_millisecond();

}  // namespace belay::lab
