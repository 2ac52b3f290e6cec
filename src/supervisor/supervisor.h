#pragma once
// The applications of this host, and what can be asked about them.

#include "site/server.h"
#include "supervisor/pairs.h"
#include "supervisor/supervised.h"

#include <map>
#include <set>

namespace belay::supervisor {

/// What streams of Watch follow.
inline constexpr const char* applications_topic = "applications";

/// Threads: that of the loop, but for what methods() gives.
class Supervisor {
  public:
    struct Options {
        std::string run_folder, log_folder, key_file;
        uint16_t pair_port = 0;                        ///< UDP, for the supervisors of other hosts; 0: any
        std::function<void(const std::string&)> said;  ///< a line for its log
        std::function<void()> renew;       ///< its program is to be run again, with all that it holds
        std::function<void()> page_begun;  ///< of a lease: the guard is to look
    };

    /// Takes over what a supervisor before it has left in the run folder. Errors: those of the system.
    static Result<std::unique_ptr<Supervisor>> open(site::Loop& loop, site::Workers& workers,
                                                    Options options);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// They outlive nothing: the supervisor outlives them.
    ///
    ///   Hello      {} -> {"version", "pid", "applications"}
    ///   Describe   {"applications": [...], "whole": true} -> {}
    ///              `whole`: others are stopped and forgotten
    ///   Order      {"applications": [id], "want": "running", "restart": false} -> {"revision"}
    ///   PairKey    {} -> {"key", "port"}
    ///              for the other hosts of its pairs
    ///   Pairs      {"self": host, "pairs": [{"pair", "name", "epoch", "lease_ms", "automatic", "returns",
    ///              "cold", "preferred", "other", "own": [application], "members": [{"host", "address",
    ///              "port", "key"}]}]} -> {} all that this host has to do with; members: those who vote, with
    ///              its own
    ///   HandOver   {"application": id} -> {}
    ///   TakeOver   {"application": id} -> {}
    ///   Elsewhere  {"applications": {id: {"started", "goes_first", "needs"}}} -> {}
    ///              of other hosts; goes_first: it is to stop as well, and has not yet
    ///   Standings  {"after": revision, "use": false, "only": id} -> {"revision", "applications": [...]}
    ///              those that have moved since; with `only` that one alone
    ///   Watch      {} more -> {"revision"}, again after each change
    ///   Renew      {} -> {}
    std::vector<site::Method> methods();
    void set_server(site::Server* server) { server_ = server; }

    /// Stops all, those first that others are no prerequisite of; calls `stopped` when none has a process.
    void stop_all(std::function<void()> stopped);
    /// Before the program is run again in this process.
    void keep_for_renewal();
    /// No more of anything; the applications go on.
    void detach();

  private:
    Supervisor(site::Loop& loop, site::Workers& workers, RunFolder folder, std::unique_ptr<Output> output,
               Options options);
    using Wanted = framework::supervision::Want;

    void adopt();
    Result<void> describe(const Json& parameters);
    Result<Json> order(const Json& parameters);
    Result<ApplicationId> application_in(const Json& parameters) const;
    Result<void> learn(const Json& parameters);
    std::optional<Milliseconds> started_since(ApplicationId id) const;
    std::optional<Milliseconds> started_here(ApplicationId id) const;
    bool is_needed(ApplicationId id) const;
    Json standings(uint64_t after, bool with_use, ApplicationId only) const;
    Json json_of(const Supervised& supervised, bool with_use) const;
    void want(const std::set<ApplicationId>& ids, Wanted wanted, bool restart);
    void begun(ApplicationId id);
    void conclude_launches(Milliseconds patience);
    void look_at_launches(Milliseconds pause);
    void moved(ApplicationId id);
    void follow_up();
    void stop_those_that_may();
    void forget_those_that_may();
    void give_memory_back();
    Result<Json> in_loop(const std::function<Result<Json>()>& what);

    site::Loop& loop_;
    site::Workers& workers_;
    const RunFolder folder_;
    const std::unique_ptr<Output> output_;
    const std::optional<host::ControlGroups> groups_;
    const Options options_;
    Ground ground_;
    site::Server* server_ = nullptr;
    std::map<ApplicationId, std::unique_ptr<Supervised>> applications_;
    Pairs pairs_;
    std::set<ApplicationId> launching_;  ///< whose processes are on their way
    std::optional<site::Loop::TimerId> launch_look_;
    std::map<ApplicationId, uint64_t> moved_at_;  ///< the revision
    std::set<ApplicationId> moved_;               ///< since the last follow_up()
    std::set<ApplicationId> to_stop_;             ///< when those that need them have
    std::set<ApplicationId> to_forget_;           ///< when they have stopped
    struct Elsewhere {
        std::optional<Milliseconds> started = {};  ///< since when it is known to be
        bool goes_first = false;
        std::set<ApplicationId> needs = {};
        ApplicationId partner = 0;  ///< of its pair
    };
    std::map<ApplicationId, Elsewhere> elsewhere_;
    uint64_t revision_ = 0;
    bool following_up_ = false;
    bool gives_back_ = false;
    std::function<void()> stopped_;
};

}  // namespace belay::supervisor
