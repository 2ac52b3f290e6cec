#pragma once
// One cluster of databases on this host: where it is, and the commands that ask and change it.

#include "host/host.h"
#include "upgrade/driver/postgresql/report.h"

namespace belay::upgrade::driver::postgresql {

/// As on the command line. Either `cluster`, or `data` with what belongs to it.
struct Ask {
    std::string cluster = {};  ///< of Debian: "15/main"
    std::string data = {};
    std::string bin = {};  ///< empty: that of the image
    uint32_t port = 5432;
    std::string socket_folder = "/run/postgresql";
    std::string unit = {};        ///< of systemd; empty: pg_ctl
    std::string log = {};         ///< where pg_ctl's server writes; empty: nowhere, or Debian's file
    bool starts_at_boot = false;  ///< somebody has said so, of what systemd does not start
    std::string peer = {};        ///< conninfo of the peer, without a password
    uint64_t max_lag = 16 << 20;  ///< bytes
    bool may_rewind = false;
};

/// Errors: usage (what is missing, or would be seen or misread in a command).
Result<void> demand_sound(const Ask& ask);

class Cluster {
  public:
    /// Errors: not_found, failed, corrupt.
    static Result<Cluster> find(const Ground& ground, const Ask& ask);

    const std::string& name() const { return name_; }
    const std::string& data() const { return data_; }
    bool starts_by_itself() const { return starts_by_itself_; }

    host::Command start() const;
    host::Command stop(std::string_view mode) const;
    host::Command ask_here(std::string_view sql, host::Effect effect = host::Effect::reads) const;
    host::Command ask_peer(std::string_view sql, host::Effect effect = host::Effect::reads) const;
    /// By a replication connection, such as the one by which this member will follow.
    host::Command identify_peer() const;
    host::Command control() const;
    host::Command program_version() const;
    host::Command rewind(bool only_look) const;
    /// What makes standby.signal, as its owner.
    host::Command give_up() const;

  private:
    static Result<Cluster> find_of_debian(const Ground& ground, const Ask& ask);
    host::Command as_owner(std::vector<std::string> words, host::Effect effect, Milliseconds limit) const;
    host::Command ask(const std::vector<std::string>& where, std::string_view sql, host::Effect effect) const;

    std::string name_, data_, bin_, socket_folder_, unit_, log_, peer_, configuration_;
    std::string debian_version_, debian_name_;  ///< empty: not one that Debian's programs run
    uint32_t port_ = 0;
    std::string user_, group_;  ///< whose account is taken; empty: ours
    bool starts_by_itself_ = false;
};

}  // namespace belay::upgrade::driver::postgresql
