#pragma once
// The sites that a person has logged in to, each in a file of their own: ~/.config/belay/sites/NAME.json (or
// below $XDG_CONFIG_HOME), which only that person may read: {site, authority, controllers, account, token,
// ends_ms}.

#include "base/result.h"
#include "base/units.h"

#include <string>
#include <vector>

namespace belay::cli {

struct KnownSite {
    std::string name;           ///< as the person calls it
    std::string site;           ///< 16 hexadecimal digits
    std::string authority_pem;  ///< by which its controllers are known
    std::vector<std::string> controllers;
    std::string account;
    std::string token;     ///< empty: no session
    Milliseconds ends{0};  ///< wall clock; of the session
};

/// Threads: one at a time.
class KnownSites {
  public:
    explicit KnownSites(std::string folder) : folder_(std::move(folder)) {}
    /// Of the person whose environment this is. Errors: usage, where it names no home.
    static Result<KnownSites> of_this_person();

    /// Errors: not_found, naming those there are; usage (a name that is none); corrupt.
    Result<KnownSite> read(const std::string& name) const;
    /// Errors: usage, those of the system.
    Result<void> write(const KnownSite& site) const;

  private:
    std::vector<std::string> names() const;
    Result<std::string> path_of(const std::string& name) const;

    std::string folder_;
};

}  // namespace belay::cli
