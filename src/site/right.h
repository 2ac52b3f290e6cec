#pragma once
// What somebody may do: the same three steps for an account of the site and for a user of this machine.

#include "base/result.h"

#include <string_view>

namespace belay::site {

/// Each includes the ones before it.
enum class Right {
    view,        ///< look at everything but secrets
    operate,     ///< carry out operations, change the configuration
    administer,  ///< hosts, accounts, keys
};

/// The stable name, as "operate".
std::string_view name_of(Right right);
/// Errors: usage.
Result<Right> right_named(std::string_view name);

}  // namespace belay::site
