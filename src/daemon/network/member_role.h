#pragma once
// What a member's daemon does besides: it keeps a stream to the controller that leads, and answers it. A
// proxy answers the machines of its branch as well.

#include "daemon/place.h"
#include "framework/configuration/copy.h"
#include "site/remote/agent/uplink.h"
#include "site/remote/proxy/branch.h"

namespace belay::daemon {

/// Threads: as Place.
class MemberRole {
  public:
    /// `listen`: where a proxy answers its branch; empty: nowhere. Errors: those of the store.
    static Result<std::unique_ptr<MemberRole>> open(const PlaceGround& ground,
                                                    const site::Membership& membership, std::string listen);

    /// What is asked of the copy of the configuration, where this machine is no controller: ConfigShow,
    /// ConfigWatch, ConfigChanges, ConfigTake, and the refusal of ConfigHistory.
    std::vector<site::Method> methods();
    Result<void> start(const site::Methods& all);
    /// As Place has it. Threads: any.
    Result<void> fetch(const std::string& sha256, uint64_t offset,
                       const std::function<Result<void>(std::string_view)>& take,
                       const std::stop_token& stop);
    void topic_changed(const std::string& topic);
    /// {name, number, attached, controller, since_ms, problem, certificate_ends_ms, branch}
    Json status();
    void stop();
    void end();

    const site::Identity& identity() const { return identity_; }

  private:
    MemberRole(const PlaceGround& ground, site::Membership membership, std::string listen);
    Result<void> open_branch(const site::Methods& all);
    host::Moment now() const;
    void keep(const site::Membership& membership);
    void link_moved();
    void take_settings();
    void copy_changed();

    const PlaceGround ground_;
    const site::Identity identity_;
    const std::string name_;  ///< at its start
    const std::string listen_;
    site::MembershipFile file_;
    site::Membership membership_;  ///< only the loop's thread touches it
    std::unique_ptr<framework::configuration::Copy> copy_;
    std::optional<site::Uplink> uplink_;
    site::Methods branch_methods_;  ///< that the machines of the branch may ask
    std::unique_ptr<site::Branch> branch_;
};

}  // namespace belay::daemon
