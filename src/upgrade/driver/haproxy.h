#pragma once
// HAProxy by its runtime socket: one of its servers drained and taken back, or itself reloaded.
// docs/drivers.md, "HAProxy". Source: HAProxy's management guide, 9.3, "show stat", "show info", "set
// server".

#include "upgrade/driver/service.h"

namespace belay::upgrade::driver {

struct HaproxyAsk {
    std::string socket = "/run/haproxy/admin.sock";  ///< a path, or "ipv4@host:port"
    std::string server = {};                         ///< "backend/server"; empty: HAProxy itself
    ServiceAsk service = {};                         ///< the server on this host, or HAProxy's master process
};

/// One server of a back end.
struct HaproxyServer {
    std::string backend, name;
    std::string status;     ///< "UP", "UP 1/3", "DOWN", "MAINT", "DRAIN", "no check"
    uint64_t sessions = 0;  ///< that are under way
    bool is_backup = false;

    bool is_up() const { return status.starts_with("UP") || status == "no check"; }
    bool is_drained() const { return status.starts_with("MAINT") || status.starts_with("DRAIN"); }
};

/// The servers in the answer to "show stat json". Errors: corrupt.
Result<std::vector<HaproxyServer>> parse_haproxy_servers(std::string_view json);

struct HaproxyInfo {
    std::string version;
    uint64_t worker = 0;  ///< the process that answered
};

/// The answer to "show info json". Errors: corrupt.
Result<HaproxyInfo> parse_haproxy_info(std::string_view json);

class Haproxy final : public Driver {
  public:
    /// Errors: usage.
    static Result<std::unique_ptr<Haproxy>> make(const Ground& ground, HaproxyAsk ask);

    Result<Look> look() override;
    Result<void> stand_by() override;
    Result<void> restart() override;
    Result<void> renew() override;
    Result<void> drain() override;
    Result<void> undrain() override;
    Result<std::vector<std::string>> commands(Verb verb) override;

  private:
    Haproxy(const Ground& ground, HaproxyAsk ask)
        : ground_(ground), ask_(std::move(ask)), service_(ground, ask_.service)
    {
    }

    /// Ours, and whether another of its back end would serve in its place.
    struct Servers {
        HaproxyServer own;
        std::string instead = {};  ///< the name of one that is up; empty: none
    };

    host::Command told(std::string_view line, host::Effect effect) const;
    Result<std::string> say(std::string_view line, host::Effect effect = host::Effect::reads);
    Result<void> set_state(std::string_view state);
    host::Command state_command(std::string_view state) const;
    Result<Servers> servers();
    Result<HaproxyInfo> info();
    Result<std::vector<host::Command>> reload();
    Result<Look> look_at_server();
    Result<void> demand_server(Verb verb) const;

    Ground ground_;
    HaproxyAsk ask_;
    Service service_;
};

}  // namespace belay::upgrade::driver
