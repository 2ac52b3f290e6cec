#pragma once
// The applications of all hosts of a site, at the controller that leads: how they stand, and what each host
// has to know of the others' to start and stop its own in their turn. Orders go to the hosts, which keep
// them; the controller keeps nothing, so another one that leads goes on where it was.
//
// A host is asked what has moved, and answers when something has (ApplicationsMoved); it is told what its own
// applications need elsewhere (ApplicationsElsewhere), whenever that is something else. With it come the
// secrets of its applications, which it keeps in memory alone.

#include "daemon/applications.h"
#include "daemon/network/electorates.h"
#include "daemon/place.h"
#include "framework/configuration/register.h"
#include "site/remote/controller/controller.h"

#include <map>
#include <mutex>

namespace belay::daemon {

/// Threads: that of the loop, but for everywhere() and what is said otherwise.
class Conductor {
  public:
    struct Options {
        std::function<site::Controller*()> controller;  ///< null while there is none
        std::function<Result<framework::configuration::Snapshot>()> configuration;
        std::function<store::Store&()> store;  ///< of the site
        framework::supervision::Unseal unseal;
    };

    /// All of it outlives the conductor.
    Conductor(const PlaceGround& ground, Options options) : ground_(ground), options_(std::move(options)) {}

    /// Threads: any.
    void presence_changed(const std::string& member);
    /// The configuration, or an application of this machine. Threads: any.
    void own_changed();
    /// Threads: any.
    ApplicationsEverywhere everywhere();
    /// Applications and ApplicationOrder for the whole site, Solutions and what belongs to them.
    std::vector<site::Method> methods();
    void stop() { stopped_ = true; }

  private:
    struct Host {
        std::string member;  ///< its number
        bool attached = false;
        uint64_t after = 0;
        Json lines = Json::array();
        Json voting = Json::object();
        Json told = {};  ///< what it was last told
    };
    struct Message {
        std::string host, member;
        Json what;
        uint64_t number = 0;  ///< those made later have higher ones
    };

    void meet(const std::string& name, const std::string& member, bool attached);
    void follow(const std::string& name);
    void heard(const std::string& name, const std::string& member, const Result<Json>& answer);
    void distribute();
    std::vector<Message> messages();
    Electorates::Told electorates(const framework::configuration::Configuration& configuration);
    void look_again_after(Milliseconds span);
    Json numbered(const Message& message) const;
    void send(const Message& message);
    Json lines() const;
    Result<Json> ask_host(const std::string& application, const std::string& method, const site::Call& call);
    void tell_now(const std::string& host);
    void forget_those_heard(const Json& lines);

    const PlaceGround& ground_;
    const Options options_;
    mutable std::mutex mutex_;
    std::map<std::string, Host> hosts_;               ///< by their names
    std::set<framework::configuration::Id> to_stop_;  ///< ordered here, and not heard of yet
    uint64_t messages_ = 0;
    std::mutex electorates_mutex_;
    Electorates electorates_;
    std::map<int64_t, std::string> pair_problems_;  ///< of the last messages
    bool distributing_ = false, again_ = false;
    std::atomic<bool> stopped_ = false;
    const std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
};

}  // namespace belay::daemon
