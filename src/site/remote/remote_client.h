#pragma once
// A person's way to the controllers of a site from another machine: the same questions as over the local
// socket.

#include "base/units.h"
#include "site/client.h"
#include "site/identity/membership_file.h"
#include "site/remote/invitation.h"
#include "site/right.h"

#include <memory>
#include <string>

namespace belay::site {

struct LoggedIn {
    std::string token;
    Milliseconds ends{0};  ///< wall clock
    Right right = Right::view;
    std::string controller;  ///< that answered
};

/// Errors: permission (no such account, or another password), busy (tried too often), unavailable (no
/// controller answers). Threads: any.
Result<LoggedIn> log_in(const RemoteSite& site, const std::string& account, const std::string& password);

/// A client that asks with the token of a session. A question goes to the next controller where one does not
/// answer or does not lead; where none does it waits, up to 15 s, for another one to lead. A call() is not
/// asked twice where it may have been done. Errors of its calls besides those of the methods: permission (the
/// session has ended), unavailable, lost (it may have been done).
std::unique_ptr<Client> remote_client(const RemoteSite& site, std::string token);

/// A member's way to the proxies of its branch, by its own certificate: what they have a copy of, and no
/// session. `proxies`: HOST:PORT, tried in this order. Errors of its calls besides those of the methods:
/// unavailable, permission.
std::unique_ptr<Client> proxy_client(std::vector<std::string> proxies, const Membership& membership);

/// Ends the session. Errors: unavailable.
Result<void> log_out(const RemoteSite& site, const std::string& token);

}  // namespace belay::site
