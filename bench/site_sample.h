#pragma once
// A site whose configuration is measured.

#include "framework/configuration/register.h"

namespace belay::bench {

/// Hosts, with an application on each: "host-1", "application-1". Errors: those of the store.
Result<void> make_site(framework::configuration::Register& site, size_t hosts);

/// One attribute of one host, its name within the site; each time another value. Returns the version. Errors:
/// those of the store.
Result<framework::configuration::Version> change_site(framework::configuration::Register& site,
                                                      size_t number);

/// What a change of that kind has in the store, in bytes.
Result<size_t> bytes_of_change(store::Store& store, framework::configuration::Version version);

}  // namespace belay::bench
