#pragma once
// How a machine becomes a member of a site.

#include "site/identity/membership_file.h"
#include "site/remote/invitation.h"

namespace belay::site {

/// Makes a key, asks the controllers of the invitation one after the other, and keeps what they answer. May
/// be repeated with the same invitation where the answer was lost. Errors: busy (this machine is a member
/// already), permission (the invitation is not good, or the other side is no controller of that site),
/// unavailable (no controller answers), those of the system. Threads: one at a time; takes up to 20 s for
/// each controller.
Result<Membership> join(const Invitation& invitation, const MembershipFile& file,
                        const std::string& host_name);

}  // namespace belay::site
