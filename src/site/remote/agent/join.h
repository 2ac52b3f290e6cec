#pragma once
// How a machine becomes a member of a site.

#include "site/identity/authority.h"
#include "site/identity/membership_file.h"
#include "site/remote/invitation.h"

#include <functional>

namespace belay::site {

/// What a controller is given besides.
struct ControllerKeys {
    Authority authority;
    std::string configuration_key;  ///< a file; empty: there is none
};
using KeepKeys = std::function<Result<void>(const Identity& identity, const ControllerKeys& keys)>;
/// Makes a key, asks the controllers of the invitation one after the other, and keeps what they answer. May
/// be repeated with the same invitation where the answer was lost. Errors: busy (this machine is a member
/// already), permission (the invitation is not good, or the other side is no controller of that site),
/// unavailable (no controller answers), those of the system. Threads: one at a time; takes up to 20 s for
/// each controller. What a controller is given
/// besides is handed to `keep` before the membership is kept.
Result<Membership> join(const Invitation& invitation, const MembershipFile& file,
                        const std::string& host_name, const KeepKeys& keep = {});

}  // namespace belay::site
