#pragma once
// The keys of the configuration's secrets, for all controllers of a site whose state has a store of its own:
// in that store, sealed by a key that is made from the authority's, which every controller has and nobody
// else.
//
//   site/configuration-keys    {sealed}: the text of the key file, as base64 of a nonce and what
//   crypto_secretbox
//                              (XSalsa20, Poly1305) makes of it
//
// The store is what counts: whoever comes to lead takes the keys from it. So the loss of the controller that
// made a key loses no secret.

#include "site/identity/authority.h"
#include "store/store.h"

#include <string>

namespace belay::daemon {

/// Threads: any, for what is const; the rest by one at a time. The store outlives it.
class SharedKeys {
  public:
    SharedKeys(store::Store& store, const site::Authority& authority, std::string key_file)
        : store_(store), authority_key_(authority.key_pem()), key_file_(std::move(key_file))
    {
    }

    /// This controller leads from now on: its key file becomes that of the site; where the site has none yet
    /// its own is given, which is made where it has none. Errors: corrupt (sealed by another authority),
    /// those of the system and of the store.
    Result<void> take() const;
    /// The key file to the others. Errors: as of take().
    Result<void> give() const;
    /// Whether what the site has is the key file. Errors: as of take().
    Result<bool> are_given() const;

  private:
    store::Store& store_;
    const std::string authority_key_;
    const std::string key_file_;
};

}  // namespace belay::daemon
