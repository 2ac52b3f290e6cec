#pragma once
// The certificate that is shown to clients, and its key.

#include "base/result.h"
#include "base/units.h"

#include <gnutls/abstract.h>
#include <memory>
#include <string>
#include <vector>

namespace belay::media {

/// Threads: any.
class Certificate {
  public:
    /// PEM both; behind the certificate those in between, up to the authority's. Errors: usage (not to be
    /// read, or not of each other).
    static Result<std::shared_ptr<const Certificate>> read(const std::string& certificate_pem,
                                                           const std::string& key_pem);

    /// It is good up to then, on the wall clock.
    Milliseconds until() const { return until_; }

    /// As one who is shaking hands wants it: in memory of GnuTLS, which frees it
    /// (GNUTLS_CERT_RETR_DEINIT_ALL). Errors: failed.
    Result<void> copy_to(gnutls_pcert_st** chain, unsigned* length, gnutls_privkey_t* key) const;

  private:
    using Key = std::unique_ptr<gnutls_x509_privkey_int, void (*)(gnutls_x509_privkey_t)>;
    explicit Certificate(Key key) : key_(std::move(key)) {}

    std::vector<std::string> chain_;  ///< DER
    Key key_;
    Milliseconds until_{0};
};

}  // namespace belay::media
