#pragma once
// A change of the configuration as data: each object that it touches, before and after. It says all that is
// needed to make it, to see whether somebody else was there first, and to go back.

#include "framework/configuration/object.h"

#include <set>
#include <vector>

namespace belay::framework::configuration {

struct ObjectDelta {
    ObjectPointer before;  ///< null: it is made
    ObjectPointer after;   ///< null: it is removed

    /// The one that is there, of both the later.
    const Object& object() const { return after ? *after : *before; }
    Id id() const { return object().id; }
};

struct Delta {
    std::vector<ObjectDelta> objects;  ///< each object once

    bool empty() const { return objects.empty(); }
    Delta inverse() const;
    std::set<Id> ids() const;
};

/// What leads from one to the other, by id.
Delta difference(const Configuration& current, const Configuration& wanted);

void apply(Configuration& configuration, const Delta& delta);

/// [{"type", "id", "before": null or body, "after": null or body}].
Json to_json_list(const Delta& delta);
/// Errors: corrupt, version.
Result<Delta> delta_from(const Json& list);

/// {"delta": [...]}, or {"packed": "..."} (base64 of zstd of the list) where that is long: a value of the
/// store, and a plan, hold 4 MiB. Errors: usage, where it is too large for both.
Result<Json> pack(const Delta& delta);
/// Errors: corrupt, version.
Result<Delta> unpack(const Json& packed);

}  // namespace belay::framework::configuration
