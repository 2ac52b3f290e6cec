#pragma once
// Ed25519 by OpenSSL, with keys as PEM as its own tool writes them.

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::image {

/// A new pair, PEM both.
struct KeyPair {
    std::string private_key, public_key;
};
Result<KeyPair> make_key_pair();

/// Makes `path` with the private key (0600) and `path` with ".pub" before its ".pem" with the public one;
/// the path of the latter. Errors: refused, where one of them is there already.
Result<std::string> write_key_pair(const std::string& path);

/// A private key from its file. Errors: refused, where others than its owner may read it; corrupt, where it
/// is none of Ed25519, or protected by a password.
Result<std::string> read_private_key(const std::string& path);

/// 64 raw bytes. Errors: corrupt, where the key is none.
Result<std::string> sign(std::string_view text, std::string_view private_key);

struct PublicKey {
    std::string name;  ///< of its file
    std::string pem;
};

/// The keys in a folder: its files *.pem, sorted by name, at most 1000. Errors: not_found (no such folder),
/// corrupt (one of them is no public key).
Result<std::vector<PublicKey>> read_public_keys(const std::string& folder);

/// The name of the key that made the signature. Errors: refused, where none of them did.
Result<std::string> signer_of(std::string_view text, std::string_view signature,
                              const std::vector<PublicKey>& keys);

}  // namespace belay::upgrade::image
