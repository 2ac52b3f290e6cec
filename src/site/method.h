#pragma once
// What can be asked of a daemon, whatever carries the question: the local socket, or a stream between
// machines.

#include "base/json.h"
#include "site/right.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace belay::site {

/// Who asks.
struct Caller {
    std::string user = {};    ///< as "root"
    std::string origin = {};  ///< as "uid 0, pid 812 by the local socket"
    Right right = Right::view;
    std::string more_by = {};  ///< how somebody gets more rights who asks like this, as "sudo belay ..."
    bool is_account = false;   ///< of the site, and no user of this machine
    bool is_here = false;      ///< by the local socket; else from another machine
};

/// One question, as a method gets it.
struct Call {
    Json parameters = Json::object();
    bool more = false;
    Caller caller = {};
};

/// What a method answers. With a topic the stream goes on: the method is called again when that has changed.
/// Without one this was the last answer, unless `rest` brings more. Both are ignored where the caller did not
/// ask for more.
struct Reply {
    Json parameters = Json::object();
    std::string topic = {};
    /// The next piece of an answer that is too long for one message; nothing: the one before was the last.
    /// Called in the loop's thread whenever the piece before is on its way, so it must be quick.
    std::function<std::optional<Json>()> rest = nullptr;
};

struct Method {
    std::string name;
    Right right = Right::view;                         ///< that a caller needs
    std::function<Result<Reply>(const Call&)> answer;  ///< called in any thread, many at the same time
};

using Methods = std::map<std::string, Method, std::less<>>;

/// The method, where the caller may ask for it. Errors: not_found, permission.
Result<const Method*> find_method(const Methods& methods, std::string_view name, const Caller& caller);

/// The answer to somebody who may do less than this.
Error not_allowed(const Caller& caller, Right wanted);

}  // namespace belay::site
