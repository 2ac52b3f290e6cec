#pragma once
// A device's terminal by belay-vty, a program of its own: belayd loads no library for SSH, what comes from
// the network is read in another process, and a secret is gone with that.

#include "host/host.h"
#include "upgrade/iosxe/terminal.h"

#include <nlohmann/json_fwd.hpp>

namespace belay::upgrade::iosxe {

/// How a device is reached, its secrets opened. Wiped when it goes.
struct Access {
    std::string address;
    uint16_t port = 22;
    std::string user;
    std::vector<std::string> host_keys;  ///< lines of public keys, or "SHA256:..."
    std::string password = {}, private_key = {}, enable_password = {};  ///< empty: none
    Milliseconds connect{20'000};                                       ///< until it has let us in
    Milliseconds prompt{30'000};                                        ///< until it has shown a prompt

    Access() = default;
    Access(Access&&) = default;
    Access& operator=(Access&&) = default;
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;
    ~Access();
};

/// Threads: any; each call runs a belay-vty of its own.
class VtyTerminal final : public Terminal {
  public:
    struct Options {
        host::Host& host;
        std::string program;                     ///< belay-vty
        std::function<Result<Access>()> access;  ///< is asked at each call
        std::string transcript = {};             ///< empty: none
    };
    explicit VtyTerminal(Options options) : options_(std::move(options)) {}

    Result<std::vector<Answer>> type(const std::vector<Line>& lines, const Said& said) override;
    Result<void> carry(const std::string& file, const std::string& to, const Carried& carried) override;

  private:
    class Run;
    Result<nlohmann::json> request() const;

    const Options options_;
};

}  // namespace belay::upgrade::iosxe
