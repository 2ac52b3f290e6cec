#pragma once
// The devices of the configuration: switches that have no agent, and are looked at and upgraded over their
// own command lines.

#include "framework/configuration/object.h"
#include "framework/supervision/described.h"
#include "host/host.h"
#include "operation/journal.h"
#include "procedures/procedures.h"
#include "site/method.h"
#include "site/workers.h"
#include "upgrade/iosxe/console.h"
#include "upgrade/iosxe/vty_terminal.h"

#include <memory>
#include <mutex>
#include <set>

namespace belay::daemon {

/// Threads: any.
class Devices {
  public:
    struct Options {
        host::Host& host;
        site::Workers& workers;
        std::string program;  ///< belay-vty
        framework::supervision::Unseal unseal;
        std::function<void(const std::string& line)> said;
        Milliseconds pace = std::chrono::seconds(10);  ///< of looks at a device that something is done to
    };
    explicit Devices(Options options);

    void configured(std::shared_ptr<const framework::configuration::Configuration> configuration);
    void fill(operation::Catalogue& catalogue);
    /// pair.upgrade, which goes this way where its pair is a device.
    void join(procedures::Procedure& pair_upgrade);
    /// DeviceList, DeviceLook (docs/protocol.md).
    std::vector<site::Method> methods();

    /// Whether there is one that stands() has to be told of.
    bool any() const;
    /// How an operation stands, after each change of it: where its timer is stopped, or ends later than the
    /// device's own would, that one is stopped. Does not wait.
    void stands(const operation::Operation& operation);

  private:
    Result<upgrade::iosxe::Access> access_to(const std::string& device) const;
    Result<std::unique_ptr<upgrade::iosxe::Terminal>> terminal_of(const std::string& device,
                                                                  const std::string& transcript) const;
    Result<Json> list() const;
    Result<Json> look(const std::string& device);
    std::shared_ptr<const framework::configuration::Configuration> configuration() const;

    const Options options_;
    mutable std::mutex mutex_;
    std::shared_ptr<const framework::configuration::Configuration> configuration_;
    std::set<operation::Id> timers_;  ///< whose device's timer is being stopped, or is
    upgrade::iosxe::Console console_;
};

}  // namespace belay::daemon
