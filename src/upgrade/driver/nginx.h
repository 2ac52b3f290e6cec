#pragma once
// nginx, replaced while it serves. Source: nginx.org, "Controlling nginx", "Upgrading Executable on the Fly".

#include "upgrade/driver/service.h"

namespace belay::upgrade::driver {

struct NginxAsk {
    std::string pid_file = "/run/nginx.pid";
    std::string unit = "nginx";  ///< asked whether it starts by itself; nothing else
};

class Nginx final : public Driver {
  public:
    Nginx(const Ground& ground, NginxAsk ask) : ground_(ground), ask_(std::move(ask)) {}

    Result<Look> look() override;
    /// It has no peer that it knows of: refused.
    Result<void> stand_by() override;
    Result<void> restart() override;
    Result<void> renew() override;
    Result<std::vector<std::string>> commands(Verb verb) override;

  private:
    Result<std::optional<Process>> master() { return process_in(ground_.host, ask_.pid_file); }
    /// The one that is being replaced.
    Result<std::optional<Process>> old_master()
    {
        return process_in(ground_.host, ask_.pid_file + ".oldbin");
    }
    Result<bool> has_workers(const Process& of);
    Result<Process> start_new();

    Ground ground_;
    NginxAsk ask_;
};

}  // namespace belay::upgrade::driver
