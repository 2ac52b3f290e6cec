#pragma once
// What a member's daemon does besides: it keeps a stream to the controller that leads, and answers it.

#include "daemon/place.h"
#include "framework/configuration/copy.h"
#include "site/remote/agent/uplink.h"

namespace belay::daemon {

/// Threads: as Place.
class MemberRole {
  public:
    /// Nothing where this machine is no member. Errors: corrupt, those of the system.
    static Result<std::unique_ptr<MemberRole>> open(const PlaceGround& ground);

    /// What is asked of the copy of the configuration, where this machine is no controller: ConfigShow,
    /// ConfigWatch, ConfigChanges, ConfigTake, and the refusal of ConfigHistory.
    std::vector<site::Method> methods();
    void start(const site::Methods& all);
    void topic_changed(const std::string& topic);
    /// {name, number, attached, controller, since_ms, problem, certificate_ends_ms}
    Json status();
    void stop();

    const site::Identity& identity() const { return identity_; }

  private:
    MemberRole(const PlaceGround& ground, site::Membership membership);
    host::Moment now() const;
    void keep(const site::Membership& membership);
    void link_moved();

    const PlaceGround ground_;
    const site::Identity identity_;
    site::MembershipFile file_;
    site::Membership membership_;  ///< only the loop's thread touches it
    std::unique_ptr<framework::configuration::Copy> copy_;
    std::optional<site::Uplink> uplink_;
};

}  // namespace belay::daemon
