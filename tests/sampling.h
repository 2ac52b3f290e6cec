#pragma once
// How much of what can go wrong a test tries: for every change a part, before a release all of it.

#include <cstdlib>
#include <doctest/doctest.h>

namespace belay {

/// Whether all of it is tried, as `./test --whole` asks by the environment variable BELAY_WHOLE.
inline bool is_whole()
{
    static const bool asked = std::getenv("BELAY_WHOLE") != nullptr;  // NOLINT(concurrency-mt-unsafe): once
    return asked;
}

/// Of accidents that come one after another in a course: each one, or each nth where a change is tried. An
/// odd n meets both sides of what alternates.
inline unsigned each(unsigned nth)
{
    return is_whole() ? 1 : nth;
}

/// Decorates a test case that another one covers in part: TEST_CASE("..." * before_release()).
inline doctest::skip before_release()
{
    return doctest::skip(!is_whole());
}

}  // namespace belay
