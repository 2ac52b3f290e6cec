#pragma once
// What a member says of its part in a site operation. Small, for it is asked for every few seconds.

#include "base/json.h"
#include "operation/engine.h"

#include <optional>
#include <string>

namespace belay::site {

struct PartView {
    std::string key;
    /// Nothing: it knows nothing of this part. A part that was given up before it came is aborted, and has no
    /// operation.
    std::optional<operation::State> state = {};
    std::string operation = {};  ///< the member's own number of it
    operation::State held_in = operation::State::planned;
    std::string reason = {};  ///< of its last transition
    bool promised = false;
    std::optional<Milliseconds> left = {};      ///< until it aborts by itself; nothing: it does not
    std::vector<std::string> differences = {};  ///< of an aborted one: what is not as it was
};
void to_json(Json& json, const PartView& view);
void from_json(const Json& json, PartView& view);

/// Errors: those of the engine.
Result<PartView> part_view_of(operation::Engine& engine, const std::string& key);

}  // namespace belay::site
