#pragma once
// From the configuration of a site to what the supervisor of one host is told: everything resolved.

#include "framework/configuration/object.h"
#include "framework/supervision/application.h"
#include "framework/supervision/life.h"

#include <functional>
#include <map>

namespace belay::framework::supervision {

/// The images of a host, by name: what of each is to run now.
using Images = std::map<std::string, Image>;

/// What opens a sealed secret. Errors: why it cannot.
using Unseal = std::function<Result<std::string>(std::string_view sealed)>;

/// One that is run by other means: its driver knows how (docs/drivers.md).
struct Driven {
    ApplicationId id = 0;
    std::string name;
    std::vector<std::string> driver;  ///< argv, without a verb
    std::string image = {};           ///< that it is a part of; may be empty
};

/// The applications of one host, and what goes without saying for each: `running` where it is started with
/// its host.
struct Described {
    std::vector<Application> applications;
    std::vector<Driven> driven = {};
    std::map<ApplicationId, Want> standard;
    /// Those that cannot be started now, and why: a secret that cannot be opened here, an image that is not
    /// installed.
    std::map<ApplicationId, std::string> not_ready;
    bool in_maintenance = false;  ///< the host: nothing is to run, whatever goes without saying
    int64_t host = 0;             ///< its number
    /// Pairs of which both are on this host, as belay-supervisor is told them.
    Json own_pairs = Json::array();
    bool has_pairs = false;  ///< the site, on whichever hosts
};

/// Disabled ones are left out. Threads: any.
Described described_on(const configuration::Configuration& configuration, std::string_view host,
                       const Unseal& unseal, const Images& images = {});

}  // namespace belay::framework::supervision
