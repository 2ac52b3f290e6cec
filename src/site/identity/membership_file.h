#pragma once
// What a member of a site keeps on its own machine, in STATE/site/ (mode 0700, files 0600):
//   membership.json   {identity, name, controllers, authority, certificate, key}; the last three are PEM
//   next-key.pem      while a certificate for it is asked for
//
// One file holds the key and the certificate, and is replaced as a whole: they always fit each other. A
// machine with a next key and no membership was about to join.

#include "site/identity/identity.h"

#include <optional>
#include <vector>

namespace belay::site {

struct Membership {
    Identity identity;
    std::string name;
    std::vector<std::string> controllers;  ///< HOST:PORT
    std::string authority_pem, certificate_pem, key_pem;
};

/// Threads: one at a time. Errors of all: those of the system.
class MembershipFile {
  public:
    explicit MembershipFile(const std::string& state_folder) : folder_(state_folder + "/site") {}

    /// Nothing where this machine is no member. Errors: corrupt.
    Result<std::optional<Membership>> read() const;
    /// All of it; a next key that is the one of this membership is no longer the next.
    Result<void> write(const Membership& membership) const;
    /// The key for a certificate that is about to be asked for: the one of the attempt before, where that
    /// came to no end, else a new one that is on the disk when this returns.
    Result<std::string> next_key() const;
    /// This machine is no longer a member.
    Result<void> remove() const;

  private:
    std::string folder_;
};

}  // namespace belay::site
