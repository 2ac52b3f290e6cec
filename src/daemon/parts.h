#pragma once
// What a daemon is put together from: the domains and procedures that it serves. Given from outside, so that
// a test serves its own.

#include "operation/action.h"
#include "procedures/procedures.h"

#include <functional>
#include <vector>

namespace belay::daemon {

struct Parts {
    std::vector<procedures::Procedure> procedures;
    std::function<void(operation::Catalogue&)> fill;
    std::function<Result<Json>(host::Host&)> storage_show;
};

}  // namespace belay::daemon
