#pragma once
// The upgrade of what runs from an image: one member of a pair, a pair whose members are both on this host,
// and an image that nothing runs from yet. A pair over two hosts is a site operation of two member.upgrade.

#include "procedures/procedures.h"
#include "upgrade/member_actions.h"

#include <functional>
#include <string>
#include <vector>

namespace belay::procedures {

/// What these procedures rest on; all of it outlives them. Threads: any.
struct UpgradeGround {
    upgrade::Ground ground;
    std::string keys;  ///< the folder of the public keys whose images are taken
    struct Member {
        std::string application, image, user;
        bool serves = false;
    };
    /// What is configured of an application of this host. Errors: not_found.
    std::function<Result<Member>(const std::string& application)> member;
    /// The two of a pair that are both on this host, the one that does not serve first. Errors: not_found,
    /// usage.
    std::function<Result<std::vector<Member>>(const std::string& pair)> pair;
    /// As PlaceGround::image_arguments.
    std::function<Result<std::map<std::string, std::string>>(const std::string& image,
                                                             const std::string& version)>
        image_arguments;
};

/// image.install, member.upgrade, and pair.upgrade-here: of a pair whose members are both on this host.
std::vector<Procedure> upgrade_procedures(const UpgradeGround& ground);

/// Pairs that are upgraded together.
struct FleetAsk {
    std::vector<std::string> pairs;
    std::vector<uint64_t> waves;  ///< how many pairs at once; together as many as there are pairs, or more
    uint64_t failures = 0;        ///< so many pairs may fail, and go back alone
    Milliseconds soak{0};         ///< between two waves
};
/// From the arguments of pair.upgrade. Errors: usage.
Result<FleetAsk> read_fleet(const std::map<std::string, std::string>& arguments);

/// What a person is told of pair.upgrade, wherever its plan is made; without `make`.
Procedure pair_upgrade_page();

}  // namespace belay::procedures
