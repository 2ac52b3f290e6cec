#pragma once
// Brings the configuration to every attached member: each is asked to take (ConfigTake, docs/protocol.md)
// what leads from the version that it has to the newest one, a step or the whole in pieces.
//
// A member is asked one question at a time. What changes meanwhile is in the next one, as one step; so a slow
// member costs nobody anything, and nothing piles up for it. What a member has is asked of it anew whenever
// it attaches: it alone knows.
//
// There is one thread for all of them, which waits for changes in the store and prepares the questions. What
// many members need is prepared once.

#include "framework/configuration/handover_source.h"
#include "site/remote/controller/hub.h"

namespace belay::site {

struct DistributorOptions {
    /// Of questions that no answer came to yet; one question may go beyond. A member that does not answer has
    /// no share in it after `slow_after`.
    size_t bytes_under_way = 64 << 20;
    Milliseconds slow_after = std::chrono::seconds(2);
};

/// How far the newest version has come.
struct Distribution {
    framework::configuration::Version newest = 0;
    size_t members = 0;            ///< that are attached
    size_t current = 0;            ///< those that have it
    std::optional<Error> problem;  ///< why the store is not followed now
};

/// What is known of one member.
struct Received {
    framework::configuration::Version version = 0;
    bool current = false;
    std::optional<Error> problem;  ///< why it could not take what it was asked to
};

/// Threads: any, but the constructor, stop() and the destructor, one at a time.
class Distributor {
  public:
    /// Begins with the members that are attached. Hub and store outlive it.
    Distributor(Hub& hub, store::Store& store, const DistributorOptions& options = {});
    /// After stop().
    ~Distributor();
    Distributor(const Distributor&) = delete;
    Distributor& operator=(const Distributor&) = delete;

    /// As HubOptions::changed says.
    void presence_changed(const std::string& member);

    Distribution distribution() const;
    /// Nothing: it is not attached, or has not said yet.
    std::optional<Received> received_by(const std::string& member) const;

    /// Asks nobody anything from now on.
    void stop();

  private:
    class Work;
    std::shared_ptr<Work> work_;
};

}  // namespace belay::site
