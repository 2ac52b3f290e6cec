#pragma once
// Secrets of the past, when the configuration returns to it.

#include "framework/configuration/delta.h"
#include "framework/configuration/seal.h"

namespace belay::procedures {

/// The change, with those of its secrets that no key opens any more as they are now. Errors: refused, where
/// there is none now: the object's name, and what to do.
Result<framework::configuration::Delta> with_secrets_that_open(const framework::configuration::Delta& delta,
                                                               const framework::configuration::KeyRing& keys);

}  // namespace belay::procedures
