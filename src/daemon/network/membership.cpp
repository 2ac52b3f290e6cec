#include "daemon/network/membership.h"

#include "daemon/host_name.h"
#include "daemon/network/controller_file.h"
#include "site/identity/authority_file.h"
#include "site/identity/private_file.h"
#include "site/remote/agent/join.h"

namespace belay::daemon {

Result<std::string> join_site(const std::string& state_folder, const std::string& word)
{
    const site::Invitation invitation = TRY(site::read_invitation(word));
    TRY(site::make_private_folder(state_folder));
    const site::Membership membership =
        TRY(site::join(invitation, site::MembershipFile(state_folder), host_name(),
                       [&](const site::Identity& identity, const site::ControllerKeys& keys) -> Result<void> {
                           if (!keys.configuration_key.empty())
                               TRY(site::write_private(key_file_in(state_folder), keys.configuration_key));
                           return site::keep_authority(state_folder, identity.site, keys.authority);
                       }));
    return fmt::format("this machine is {} {} of the site {} now, under the name {}",
                       site::name_of(membership.identity.role), membership.identity.id,
                       membership.identity.site, membership.name);
}

Result<std::string> leave_site(const std::string& state_folder)
{
    const site::MembershipFile file(state_folder);
    const Result<std::optional<site::Membership>> membership = file.read();
    // A damaged one is left as well.
    const bool was_member = !membership || membership->has_value();
    TRY(file.remove());
    const bool was_controller = TRY(forget_address(state_folder));
    if (!was_member && !was_controller) return "";
    if (!was_member) return "this machine is no controller any more";
    return fmt::format("this machine is no member of a site any more{}",
                       membership && *membership
                           ? fmt::format("; on a controller: belay host revoke {}", (*membership)->name)
                           : "");
}

}  // namespace belay::daemon
