#pragma once
// For tests: the program belay-lab-iosxe, running, with its control socket. It ends with this object, or with
// this process.
//
//     const RunningPair pair = TRY(RunningPair::start(folder, {"--factor", "1000"}));
//     TRY(pair.ask({{"do", "injure"}, {"failure", "bundle-boot"}}));

#include "base/json.h"
#include "host/descriptor.h"

#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace belay::lab::iosxe {

class RunningPair {
  public:
    /// `folder` is there, and short: the control socket is in it. `arguments`: of belay-lab-iosxe, besides
    /// --control. Comes back when it listens. Errors: those of the system; failed, where it does not start.
    static Result<RunningPair> start(const std::string& folder, std::vector<std::string> arguments);
    RunningPair(RunningPair&& other) noexcept;
    RunningPair& operator=(RunningPair&& other) noexcept;
    ~RunningPair();

    int port() const { return port_; }
    /// "ssh-ed25519 AAAA...".
    const std::string& host_key() const { return host_key_; }
    /// "SHA256:...".
    const std::string& fingerprint() const { return fingerprint_; }

    /// control.h says what may be asked. Errors: those of the system; refused, with the pair's own words.
    Result<Json> ask(const Json& request) const;
    /// Every line that was typed so far, in full.
    Result<std::vector<std::string>> typed() const;
    /// Until `is` holds of the pair's state (as {"do":"state"} tells it). Errors: timeout after `limit`;
    /// those of ask().
    Result<Json> await(const std::function<bool(const Json& state)>& is,
                       std::chrono::seconds limit = std::chrono::seconds(60)) const;

    /// SIGKILL. What it was is in its state file, where it has one.
    void kill();

  private:
    RunningPair() = default;

    pid_t pid_ = -1;
    host::Descriptor in_;
    std::string control_;
    int port_ = 0;
    std::string host_key_;
    std::string fingerprint_;
};

}  // namespace belay::lab::iosxe
