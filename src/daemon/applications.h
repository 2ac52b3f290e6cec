#pragma once
// The applications of this host, as its daemon sees them: what is configured, what is wanted, and how they
// stand with belay-supervisor, which starts and watches them. The supervisor goes on without this daemon;
// this daemon starts it where there is something to start.
//
//     wanted/12      {"want", "by", "why", "at_ms"}: somebody has asked for it; else what is configured
//     counts
//     pairs          what the controller has said of the pairs that this host has to do with, which counts
//                    while nobody says anything else

#include "base/json.h"
#include "daemon/solutions.h"
#include "framework/configuration/object.h"
#include "framework/supervision/described.h"
#include "site/client.h"
#include "site/method.h"
#include "store/store.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace belay::daemon {

class Driven;

/// What streams of Applications follow.
inline constexpr const char* applications_topic = "applications";

/// Threads: any. The store outlives it.
class Applications {
  public:
    struct Options {
        site::ConnectOptions supervisor;
        /// Starts it, where it is not to be started as a program of ours; null: it is.
        std::function<Result<void>()> start;
        std::function<void(const std::string&)> said;  ///< a line for the daemon's log
        std::function<void()> changed;                 ///< how they stand
        std::function<Milliseconds()> wall;            ///< the wall clock now
        /// How one of this host stands now, by its name. Threads: any.
        std::function<void(const std::string& name, const Json& standing)> stands = [](const std::string&,
                                                                                       const Json&) {};
        /// Its supervisor is not reached. Threads: any.
        std::function<void(const Error&)> lost = [](const Error&) {};
        /// Those that are run by other means; null: there are none. Outlives this.
        Driven* driven = nullptr;
        /// What of each image is to run on this host. Errors: why that cannot be told; then it stays as it
        /// was.
        std::function<Result<framework::supervision::Images>()> images = [] {
            return framework::supervision::Images();
        };
    };

    Applications(store::Store& store, Options options);
    ~Applications();
    Applications(const Applications&) = delete;
    Applications& operator=(const Applications&) = delete;

    /// What the configuration is now, and which host this is in it.
    void configured(std::shared_ptr<const framework::configuration::Configuration> configuration,
                    const std::string& host, const framework::supervision::Unseal& unseal);

    /// Applications, ApplicationShow, ApplicationOrder, ApplicationOutput, ApplicationsMoved,
    /// ApplicationsElsewhere (docs/protocol.md).
    std::vector<site::Method> methods();
    /// What else there is to know: {"applications": {id: {started, goes_first, needs, partner}}, of other
    /// hosts (null: whoever tells it does not know either, and what was told before stays); "secrets": {as
    /// they are sealed: as they are}, kept in memory alone, "pairs": as of belay-supervisor's Pairs, "term":
    /// whose, "number": n}. Of one term what has a lower number than what was told before is left alone.
    void tell(const Json& elsewhere);
    /// {"key": of belay-supervisor's PairKey, or null, "pairs": [{"pair", "epoch", "retired"}]: what it goes
    /// by}.
    Json voting() const;
    /// Called in any thread whenever lines() may say something else.
    void when_moved(std::function<void()> moved);
    /// As Applications tells them.
    Json lines() const;
    /// As ApplicationShow: a line, with what it uses now.
    Result<Json> show(const site::Call& call) const;
    /// What this machine is called in the configuration; empty: nothing is known of that.
    std::string host() const;
    /// One that is run by other means stands otherwise now. Threads: any.
    void driven_moved() { say_moved(); }
    /// Another version of an image may be to run from the next start on.
    void images_changed();
    /// As its supervisor says it now, with what is configured of it: as Applications tells it, of an
    /// application of this host. Errors: not_found, unavailable.
    Result<Json> look(const std::string& name);
    /// The one that serves lets the other of its pair serve. Errors: refused, those of look().
    Result<void> let_other_serve(const std::string& name);
    /// Starts it anew as it is configured now; never one that serves. Errors: as let_other_serve().
    Result<void> restart_in_background(const std::string& name);
    /// Somebody works on it: nothing is started here.
    bool in_maintenance() const;
    /// Those of this host, for solution_methods().
    ApplicationsEverywhere everywhere();

    void stop();

  private:
    using ApplicationId = framework::supervision::ApplicationId;
    using Want = framework::supervision::Want;
    struct Wanted {
        Want want = Want::stopped;
        std::string by, why;
        Milliseconds at{0};
    };

    Json line_of(const framework::supervision::Application& application) const;
    bool take_images();
    Result<std::unique_ptr<site::Client>> supervisor() const;
    bool is_driven(const std::string& name) const;
    Result<Json> order(const site::Call& call);
    Result<Json> output(const site::Call& call) const;
    Result<Json> moved_since(const site::Call& call);
    Result<Json> hand(const site::Call& call);
    Json pairs() const;
    Result<void> push_pairs(site::Client& client);
    void tell_pairs(const Json& pairs);
    void describe();
    void say_moved();
    Result<ApplicationId> find(const std::string& name) const;
    Want want_of(ApplicationId id) const;
    Want want_without_maintenance(ApplicationId id) const;
    Result<void> keep(ApplicationId id, const Wanted& wanted);
    void load();
    void serve();
    bool wait_for_work();
    Result<std::unique_ptr<site::Client>> reach() const;
    Result<void> push(site::Client& client);
    Result<void> follow(site::Client& client);
    Result<void> take_standings(site::Client& client);
    void failed(const Error& error);

    store::Store& store_;
    const Options options_;

    /// Of what the supervisor is told of applications, from when it is put together until it has it: what is
    /// older never comes after what is newer. Taken before mutex_.
    std::mutex telling_;
    mutable std::mutex mutex_;
    std::condition_variable work_;
    framework::supervision::Described described_;
    framework::supervision::Images images_;
    std::string host_;  ///< what this machine is called in it
    std::shared_ptr<const framework::configuration::Configuration> configuration_;
    framework::supervision::Unseal unseal_;
    std::map<std::string, std::string> secrets_;  ///< as they are sealed, as they are
    Json elsewhere_ = Json::object();
    Json pairs_ = Json::object();   ///< as the controller says
    Json voting_ = Json::object();  ///< as voting() tells it
    std::string term_;              ///< of the controller that told it
    uint64_t told_ = 0;             ///< its number
    uint64_t moves_ = 0;            ///< how often something has moved
    std::condition_variable moved_;
    std::function<void()> when_moved_;
    std::map<ApplicationId, Wanted> wanted_;
    std::map<ApplicationId, Json> standings_;  ///< as the supervisor says them
    std::vector<ApplicationId> to_restart_;
    uint64_t revision_ = 0;  ///< of the standings
    bool is_due_ = false, stopping_ = false;
    std::optional<Error> problem_;  ///< why the supervisor is not reached
    site::Client* following_ = nullptr;
    std::thread thread_;
};

}  // namespace belay::daemon
