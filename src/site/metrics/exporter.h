#pragma once
// Asks belayd when Prometheus asks. What takes the daemon long is not asked each time.

#include "site/client.h"
#include "site/log.h"
#include "site/metrics/figures.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <prometheus/collectable.h>

namespace belay::site::metrics {

/// Threads: any; one asks at a time.
class Exporter : public prometheus::Collectable {
  public:
    struct Options {
        std::string socket;           ///< of belayd
        std::string messages_socket;  ///< of belay-messages
    };

    /// The log outlives it.
    Exporter(Options options, Log& log) : options_(std::move(options)), log_(log) {}

    /// Errors are told by what is not there, and by the log.
    std::vector<prometheus::MetricFamily> Collect() const override;

  private:
    using Clock = std::chrono::steady_clock;

    struct Peer {
        std::unique_ptr<Client> client;
        std::string problem;
    };
    Told ask() const;
    /// Null: there is no answer. What is wrong is logged once, until there is an answer again.
    Json ask(Peer& peer, const std::string& socket, std::string_view method, const Json& parameters) const;
    const Json& health() const;

    const Options options_;
    Log& log_;
    // Prometheus' interface is const, what it is answered from is not.
    mutable std::mutex mutex_;
    mutable Peer belayd_, messages_;
    mutable Json health_;
    mutable Clock::time_point health_asked_{};
};

}  // namespace belay::site::metrics
