#pragma once
// config.change, config.revert: the configuration of the site is changed, and confirmed within the timer or
// returns by itself.

#include "framework/configuration/actions.h"
#include "procedures/procedures.h"

namespace belay::procedures {

/// What a TOML file asks for. Source: docs/configuration.md. `site` is what
/// it works on; what it refers to outlives the procedure.
Procedure config_change(const framework::configuration::Site& site);

/// The configuration as it was at a version that the history still has.
Procedure config_revert(const framework::configuration::Site& site);

/// Both.
std::vector<Procedure> configuration_procedures(const framework::configuration::Site& site);

}  // namespace belay::procedures
