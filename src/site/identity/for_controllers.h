#pragma once
// What all controllers of a site may know and the store that they share may not: sealed by a key that follows
// from that of the authority, which each controller has on its disk and the store has not.
//
// The form: 24 random bytes, and what crypto_secretbox makes of the text; the key is the keyed BLAKE2b of the
// authority's key in PEM. Source: libsodium's documentation, "Secret-key cryptography" and "Generic hashing".

#include "site/identity/authority.h"

namespace belay::site {

/// As base64. Each time another one. Threads: any.
std::string seal_for_controllers(const Authority& authority, std::string_view plain);
/// Errors: corrupt (it was sealed by another authority, or was changed). Threads: any.
Result<std::string> unseal_for_controllers(const Authority& authority, const std::string& sealed);

}  // namespace belay::site
