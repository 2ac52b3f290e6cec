#pragma once
// config.change, config.revert, config.maintenance, config.rotate-key: the configuration of the site is
// changed, and confirmed within the timer or returns by itself.

#include "framework/configuration/actions.h"
#include "procedures/procedures.h"

namespace belay::procedures {

/// What a TOML file asks for. Source: docs/configuration.md. `site` is what
/// it works on; what it refers to outlives the procedure.
Procedure config_change(const framework::configuration::Site& site);

/// The configuration as it was at a version that the history still has.
Procedure config_revert(const framework::configuration::Site& site);

/// Whether somebody works on a host.
Procedure config_maintenance(const framework::configuration::Site& site);

/// A new key for the secrets; everything is sealed anew, and the old key goes with the commit.
Procedure config_rotate_key(const framework::configuration::Site& site);

/// All of them, and what their plans name.
std::vector<Procedure> configuration_procedures(const framework::configuration::Site& site);
void fill_configuration(operation::Catalogue& catalogue, const framework::configuration::Site& site);

}  // namespace belay::procedures
