#pragma once
// The authority of a site on a controller's disk: STATE/site/authority.json, mode 0600, {site, certificate,
// key}. The key is never in the store: who reads the store can make no certificate.

#include "site/identity/authority.h"
#include "store/store.h"

namespace belay::site {

struct SiteAuthority {
    std::string site;
    Authority authority;
};

/// The authority of the site that the store speaks of (site/site: {id, authority}); where it speaks of none,
/// a new site is made. Errors: permission, where this machine does not have that site's key; those of the
/// system and of the store. `now`: wall clock.
Result<SiteAuthority> open_authority(const std::string& state_folder, store::Store& store, Milliseconds now);

/// What a further controller was given, to be found by open_authority().
Result<void> keep_authority(const std::string& state_folder, const std::string& site,
                            const Authority& authority);

}  // namespace belay::site
