#pragma once
// A PostgreSQL primary and its streaming standby: docs/drivers.md, "PostgreSQL", has the order of a move and
// why no instant of it can lose a transaction or leave two primaries.

#include "upgrade/driver/postgresql/cluster.h"

namespace belay::upgrade::driver::postgresql {

/// One member, as it is seen from its host.
struct Seen {
    enum class Here { stopped, busy, running } here = Here::stopped;  ///< busy: starting or stopping
    std::optional<Server> server = {};                                ///< where it runs
    bool gave_up = false;  ///< standby.signal is there: it does not start as a primary
    std::string runs_from = {};
    std::optional<Server> peer = {};  ///< where it answers
    std::string peer_problem = {};    ///< why it does not

    bool serves() const { return server && !server->is_standby; }
    bool peer_serves() const { return peer && !peer->is_standby; }
    bool peer_stands_by() const { return peer && peer->is_standby; }
};

/// Why the peer cannot take over from this primary now; empty where it can.
std::string why_not_hot(const Seen& seen, uint64_t max_lag);

/// Of a look, without anything that asks.
Look look_of(const Seen& seen, const Cluster& cluster, uint64_t max_lag);

class Postgresql final : public Driver {
  public:
    /// The cluster is looked up anew for each verb. Errors: usage.
    static Result<std::unique_ptr<Postgresql>> make(const Ground& ground, const Ask& ask);

    Result<Look> look() override;
    Result<void> stand_by() override;
    Result<void> restart() override;
    Result<std::vector<std::string>> commands(Verb verb) override;

  private:
    Postgresql(const Ground& ground, const Ask& ask) : ground_(ground), ask_(ask) {}

    Result<void> find();
    Result<Seen> see();
    Result<Seen> see_at_rest();
    Result<void> see_here(Seen& seen);
    void see_peer(Seen& seen);
    Result<Control> control();

    Result<void> start();
    Result<void> stop();
    /// Whether it was another, or none.
    Result<bool> set_primary();

    Result<void> hand_over(const Seen& seen);
    Result<void> demand_live_peer();
    Result<void> give_over();
    /// Of what this stopped member wrote.
    struct PeerHas {
        enum class What { all, less, unknown, serves, other } what;
        std::string says;
    };
    Result<PeerHas> await_last_byte(const Control& control);
    Result<void> promote_peer();
    std::unexpected<Error> go_back(Error problem);
    Result<void> serve_again();
    Result<void> two_standbys();
    Result<void> follow();
    Result<bool> comes_to_stream(Milliseconds limit);
    Result<void> await_timeline_of_peer();
    Result<void> join_again();
    Result<void> demand_same_major();

    Ground ground_;
    Ask ask_;
    std::optional<Cluster> cluster_;
    bool gave_up_before_ = false;
};

}  // namespace belay::upgrade::driver::postgresql
