#pragma once
// What a member answers about its parts in site operations (docs/protocol.md): PartAdopt, PartRequest,
// PartShow, Parts.

#include "operation/engine.h"
#include "site/method.h"

#include <functional>
#include <vector>

namespace belay::site {

/// The engine outlives the methods. `wake`: there may be work on this operation. Threads of both: any.
std::vector<Method> part_methods(operation::Engine& engine, std::function<void(const operation::Id&)> wake);

}  // namespace belay::site
