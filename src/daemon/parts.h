#pragma once
// What a daemon is put together from: the domains and procedures that it serves. Given from outside, so that
// a test serves its own.

#include "daemon/place.h"
#include "host/real.h"
#include "operation/action.h"
#include "procedures/procedures.h"
#include "store/sqlite.h"

#include <functional>
#include <vector>

namespace belay::daemon {

struct Parts {
    std::vector<procedures::Procedure> procedures;
    std::function<void(operation::Catalogue&)> fill;
    std::vector<procedures::View> views;
    std::vector<procedures::GateKind> gates = {};
    procedures::Watched watched = {};
    SiteParts site = {};  ///< empty in a program that is not linked with the network
    /// The database file to open, and the lock for commands to inherit.
    std::function<Result<std::unique_ptr<store::Store>>(const std::string& path)> open_store =
        [](const std::string& path) { return store::open_sqlite(path); };
    std::function<std::unique_ptr<host::Host>(int inherited_lock)> open_host = [](int inherited_lock) {
        return host::real_host(inherited_lock);
    };
};

}  // namespace belay::daemon
