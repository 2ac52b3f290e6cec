#pragma once
// For whom an action changes the configuration: whoever asked for the operation that holds its lock.

#include "framework/configuration/layout.h"
#include "host/host.h"

namespace belay::framework::configuration {

/// `arguments` has the name of the lock as "lock". Errors: those of the store and of the host's clock.
Result<Author> author_of(store::Store& store, host::Host& host, const Json& arguments);

}  // namespace belay::framework::configuration
