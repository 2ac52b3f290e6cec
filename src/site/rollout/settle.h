#pragma once
// What a member that was away is told about its parts when it is there again, also of site operations that
// have ended meanwhile.

#include "operation/state.h"
#include "site/rollout/rollouts.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::site {

/// What becomes of a part by what is decided: abort, commit; nothing: that is not decided, or the site does
/// not know this operation. Errors: those of the store.
Result<std::optional<operation::Verb>> verdict_on(store::Store& store, std::string_view key);

/// Asks a member for its parts that have not ended, and tells it what is decided about them. To be called by
/// the controller that leads, each time that a member has attached; not in the loop's thread. A sentence for
/// each that was told, with what it says where it refuses. Errors: those of Members::ask and of the store.
Result<std::vector<std::string>> settle_parts(Rollouts& rollouts, const std::string& site,
                                              const std::string& member);

}  // namespace belay::site
