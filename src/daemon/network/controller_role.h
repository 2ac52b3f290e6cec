#pragma once
// What a controller's daemon does besides: it listens for members, machines that join, and people.

#include "daemon/network/audit_trail.h"
#include "daemon/network/conductor.h"
#include "daemon/network/fleet.h"
#include "daemon/network/host_loads.h"
#include "daemon/network/site_store.h"
#include "framework/configuration/register.h"
#include "site/leadership/fenced_store.h"
#include "site/leadership/leadership.h"
#include "site/remote/controller/controller.h"
#include "site/remote/controller/hub_members.h"
#include "site/rollout/rollouts.h"
#include "site/rollout/site_plan.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

namespace belay::daemon {

/// What the methods about hosts and accounts work with; it outlives them. They are called in any thread, and
/// only while the controller is there.
struct SiteServices {
    std::unique_ptr<site::Controller> controller;
    std::function<operation::Engine*()> engine;  ///< of the site; null while this controller does not lead
    std::function<Milliseconds()> wall;
    std::function<void()> changed;  ///< something that Status tells
    /// As it is now; an empty one where it cannot be read. Threads: any.
    std::function<std::shared_ptr<const framework::configuration::Configuration>()> configuration;
    std::function<std::string()> own_name;  ///< of this machine
    /// This machine, as HostShow tells it.
    std::function<Json(bool summary)> own_host;
    std::function<Json()> applications;            ///< of all hosts, as Applications tells them
    std::function<void()> look_again;              ///< as Services has it
    std::function<void(const Json& entry)> acted;  ///< what is in the audit trail is a message as well
    bool has_several_controllers = false;  ///< the state of the site has a store that others reach, too

    /// What was asked for goes to the audit trail, with what came of it.
    void audit(const site::Call& call, std::string_view verb, std::string_view object,
               const std::optional<Error>& problem) const;
};

/// HostInvite, HostList, HostShow, HostRevoke, HostRename, HostRenew.
std::vector<site::Method> host_methods(const SiteServices& services);
/// AccountAdd, AccountList, AccountRemove, AccountPassword, AccountRole, AccountDisable.
std::vector<site::Method> account_methods(const SiteServices& services);

/// Threads: as Place.
class ControllerRole {
  public:
    /// Errors: those of the authority's file and of the store.
    static Result<std::unique_ptr<ControllerRole>> open(const PlaceGround& ground, ControllerAddress address,
                                                        const OpenSiteStore& open_store);

    ~ControllerRole();
    ControllerRole(const ControllerRole&) = delete;
    ControllerRole& operator=(const ControllerRole&) = delete;

    void fill(operation::Catalogue& catalogue);
    Result<operation::Plan> plan_on_hosts(const HostsAsk& ask);
    /// As Place has it.
    Result<std::vector<std::pair<std::string, Result<Json>>>> ask_hosts(const std::string& method,
                                                                        const Json& parameters,
                                                                        const std::string& asker);
    Result<Json> ask_host(const std::string& host, const std::string& method, const Json& parameters,
                          const std::string& asker, Milliseconds patience);
    void ask_host_later(const std::string& host, const std::string& method, const Json& parameters,
                        const std::string& asker, std::function<void(const Result<Json>& answer)> then);
    /// pair.upgrade over the hosts of the site.
    std::vector<procedures::Procedure> procedures();
    std::vector<site::Method> methods();
    Result<void> start(const site::Methods& all);
    void topic_changed(const std::string& topic);
    /// Null: the state of the site is in the database file of this machine.
    store::Store* site_store() { return fenced_ ? &*fenced_ : nullptr; }
    /// Gives the keys of the configuration's secrets to those who may lead after this one; null: there are
    /// none.
    std::function<Result<void>(std::string_view text)> share_keys();
    /// {host, addresses} of another one that leads; else null. Threads: any.
    Json leader() const;
    /// {address, emergency, leads, leader, hosts}; a host has its load as far as it was asked for and is
    /// known.
    Json status(LoadToTell load);
    void stop();
    void end();

    const std::string& site() const { return authority_->site; }

  private:
    ControllerRole(const PlaceGround& ground, ControllerAddress address, std::unique_ptr<store::Store> store);
    store::Store& state() { return fenced_ ? *fenced_ : ground_.store; }
    Result<PlannedTurns> plan_bunch(const Bunch& bunch, const std::string& version);
    Result<operation::Plan> plan_pair_upgrade(std::map<std::string, std::string> arguments);
    Result<Json> with_image(Json parameters) const;
    Result<std::string> member_named(const std::string& name);
    Result<std::vector<site::MemberPlan>> plans_of(const std::vector<site::MemberQuestion>& questions,
                                                   const std::string& asker);
    void presence_changed(const std::string& member);
    void say_presence(const std::string& member, const site::Presence& presence);
    void settle(const std::string& member);
    void settle_next();
    Result<std::string> configuration_key() const;
    Result<std::string> unsealed(std::string_view sealed) const;
    std::shared_ptr<const framework::configuration::Configuration> configuration_now();
    site::Pace pace_of(const site::Member& member);
    Milliseconds comes_within(const std::string& member);
    Result<void> put_keys(std::string_view text);
    Result<std::string> keys_in(const store::Entry& shared) const;
    Result<void> take_keys();
    Result<void> mend_keys();
    std::vector<std::string> own_addresses() const;
    Result<void> say_where_it_is();
    std::vector<std::string> other_controllers() const;
    void seek_the_lead();
    void won(store::Revision term);
    void lost();
    void follow(const site::Leader& leader);

    const PlaceGround ground_;
    const ControllerAddress address_;
    // Where the state of the site has a store of its own, which several controllers share.
    std::unique_ptr<store::Store> store_;
    std::optional<site::FencedStore> fenced_;
    std::optional<framework::configuration::Register> configuration_;
    std::optional<site::SiteAuthority> authority_;
    AuditTrail audit_;
    SiteServices services_;
    site::HubMembers members_;
    Conductor conductor_;
    HostLoads loads_;
    std::optional<site::Rollouts> rollouts_;
    std::deque<std::string> to_settle_;  ///< members that have attached; only the loop touches it
    bool settling_ = false;
    std::atomic<bool> is_open_ = false;  ///< the controller is in its place
    mutable std::mutex leader_mutex_;
    bool leads_ = true;
    std::optional<site::Leader> leader_;  ///< another one
    std::optional<site::Leadership> leadership_;
};

}  // namespace belay::daemon
