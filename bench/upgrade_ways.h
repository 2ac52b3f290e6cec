#pragma once
// Ways to bring another version of a server into service while it is called: the server of examples/web-pair,
// on hosts that are network namespaces.

#include "failover_network.h"
#include "samples.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace belay::bench {

inline constexpr uint16_t upgraded_port = 8080;

/// What a way has taken, by what was done: "whole" of each upgrade for good, and the phases where it has
/// some.
using UpgradeTimes = std::map<std::string, std::vector<Nanoseconds>>;

/// Ends with all its processes. Threads: one.
class UpgradeWay {
  public:
    explicit UpgradeWay(HostNetwork network) : network_(std::move(network)) {}
    virtual ~UpgradeWay() = default;
    UpgradeWay(const UpgradeWay&) = delete;
    UpgradeWay& operator=(const UpgradeWay&) = delete;

    /// Where it is called, from host 0 of the network.
    virtual std::string address() const = 0;
    /// The other version serves from then on. Errors: those of the system and of the programs.
    virtual Result<void> upgrade(UpgradeTimes& times) = 0;

    const HostNetwork& network() const { return network_; }

  private:
    HostNetwork network_;
};

/// What all of them are given.
struct UpgradeGround {
    std::string folder;    ///< in memory, and empty
    std::string programs;  ///< the folder that belay and belayd lie in
    std::string server;    ///< the file of the server
};

enum class PairPlace { two_hosts, one_host };
/// Belay's pair: an image for each version, and pair.upgrade. Each upgrade goes there and back first, by an
/// abort, and then there for good.
Result<std::unique_ptr<UpgradeWay>> begin_belay_upgrades(const UpgradeGround& ground, PairPlace place);

enum class Ending { at_once, finishes };
/// One server: it is stopped, and the other version is started.
Result<std::unique_ptr<UpgradeWay>> begin_restarts(const UpgradeGround& ground, Ending ending);
/// One server: the other version is started beside it (SO_REUSEPORT), and when it answers the old one is
/// stopped.
Result<std::unique_ptr<UpgradeWay>> begin_overlaps(const UpgradeGround& ground, Ending ending);
/// Two servers with an address that keepalived keeps: who stands by is started anew, gets the higher
/// priority, and when it has the address the other one is started anew.
Result<std::unique_ptr<UpgradeWay>> begin_keepalived_upgrades(const UpgradeGround& ground);

}  // namespace belay::bench
