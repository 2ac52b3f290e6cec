#pragma once
// A pair whose virtual address keepalived moves: docs/drivers.md, "keepalived". The priority is changed by a
// file that keepalived tracks; its configuration is not touched.

#include "upgrade/driver/service.h"

namespace belay::upgrade::driver {

struct KeepalivedAsk {
    std::string address = {};     ///< the virtual one, as "192.0.2.10" or "2001:db8::10"
    std::string track_file = {};  ///< what its track_file names
    std::string state_file = {};  ///< what its notify script writes; empty: none
    std::string peer = {};        ///< an address of the other host; empty: not asked
    int step = 100;               ///< by which the priority is changed, 1 to 253
    std::string pid_file = "/run/keepalived.pid";
    ServiceAsk service = {};  ///< what restart restarts
};

/// Whether one of the interfaces that `ip -json address` tells of has the address. Errors: corrupt.
Result<bool> has_address(std::string_view json, std::string_view address);

class Keepalived final : public Driver {
  public:
    /// Errors: usage.
    static Result<std::unique_ptr<Keepalived>> make(const Ground& ground, KeepalivedAsk ask);

    Result<Look> look() override;
    Result<void> stand_by() override;
    Result<void> take_over() override;
    Result<void> restart() override;
    Result<std::vector<std::string>> commands(Verb verb) override;

  private:
    Keepalived(const Ground& ground, KeepalivedAsk ask)
        : ground_(ground), ask_(std::move(ask)), service_(ground, ask_.service)
    {
    }

    Result<bool> is_here();
    Result<Role> role();
    Result<Role> settled_role();
    Result<Reach> peer();
    Result<void> set_priority(std::string_view text);
    Result<std::string> priority();

    Ground ground_;
    KeepalivedAsk ask_;
    Service service_;
};

}  // namespace belay::upgrade::driver
