#pragma once
// The key by which the device proves who it is, and those by which people log in.

#include "base/result.h"

#include <memory>
#include <string>

struct ssh_key_struct;  // libssh's, NOLINT(readability-identifier-naming)

namespace belay::lab::iosxe {

class HostKey {
  public:
    /// A new one, ed25519. Errors: failed.
    static Result<HostKey> make();
    /// As text() gave it. Errors: corrupt.
    static Result<HostKey> read(const std::string& text);

    /// With the private part.
    std::string text() const;
    /// "ssh-ed25519 AAAA...".
    std::string public_line() const;
    /// "SHA256:...".
    std::string fingerprint() const;
    ssh_key_struct* key() const { return key_.get(); }

  private:
    explicit HostKey(ssh_key_struct* key);
    std::unique_ptr<ssh_key_struct, void (*)(ssh_key_struct*)> key_;
};

/// Whether this line of an authorized_keys file ("ssh-ed25519 AAAA... name") is that key.
bool is_key(const std::string& line, ssh_key_struct* key);

}  // namespace belay::lab::iosxe
