#pragma once
// For tests: the value of a Result, or a failed test that says the error.

#include "base/result.h"

#include <doctest/doctest.h>

namespace belay {

template <typename T>
T must(Result<T> result)
{
    REQUIRE_MESSAGE(result, (result ? "" : result.error().what));
    return *std::move(result);
}

}  // namespace belay
