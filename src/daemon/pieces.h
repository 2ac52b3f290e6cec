#pragma once
// An answer with a text that may be too long for one message.

#include "base/json.h"
#include "site/connection.h"

namespace belay::daemon {

/// {field: a piece of it, "size": of the whole} as often as it takes, for a caller who asked for more; the
/// other fields of the answer come with the first.
site::Reply in_pieces(const std::string& field, const Json& answer);

}  // namespace belay::daemon
