#pragma once

#include "trial.h"

#include <doctest/doctest.h>

namespace belay::trial {

/// Cuts once and waits for a good end; whether the cut came before the operation had ended.
inline bool cut_once(Trial& trial, Course course, const Cut& cut)
{
    const Result<Ending> ending = trial.with_power_cut(course, cut);
    REQUIRE_MESSAGE(ending.has_value(), cut.text(), ": ", ending.error().what);
    if (course == Course::abort && ending->state != "none") CHECK(ending->state == "aborted");
    return ending->was_cut;
}

}  // namespace belay::trial
