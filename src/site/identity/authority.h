#pragma once
// The authority of a site: it alone makes certificates. It is made with the site by the first controller and
// given to further ones; agents know its certificate and nothing else of it.

#include "site/identity/identity.h"

namespace belay::site {

/// What a server shows of itself, PEM.
struct ServerCertificate {
    std::string certificate_pem, key_pem;
};

/// Threads: any; nothing changes in it.
class Authority {
  public:
    static constexpr Milliseconds lasts = std::chrono::hours(24 * 365 * 20);
    /// A certificate begins so long before it was made, for clocks are not the same everywhere.
    static constexpr Milliseconds clocks_may_differ = std::chrono::minutes(10);

    /// A new one, with a new key, for the site of this name (16 hexadecimal digits). `now`: wall clock.
    static Result<Authority> make(const std::string& site, Milliseconds now);
    /// Errors: corrupt (not a certificate, not a key, or not of each other).
    static Result<Authority> open(std::string certificate_pem, std::string key_pem);

    /// A certificate for the key that signed the request; what else the request says is not looked at.
    /// Errors: corrupt (no request, not signed by its key, or its key is not one for P-256).
    Result<Certificate> issue(std::string_view request_pem, const Identity& identity, Milliseconds now,
                              Milliseconds valid_for) const;

    /// For a server that is reached by these names and addresses, with a key of its own. Errors: usage (one
    /// that can be neither, or none).
    Result<ServerCertificate> issue_for_server(const std::vector<std::string>& names, Milliseconds now,
                                               Milliseconds valid_for) const;

    /// SHA-256 of the key that signed a request, 64 hexadecimal digits. Errors: as of issue().
    static Result<std::string> key_digest(std::string_view request_pem);

    const std::string& certificate_pem() const { return certificate_pem_; }
    const std::string& key_pem() const { return key_pem_; }

  private:
    Authority(std::string certificate_pem, std::string key_pem)
        : certificate_pem_(std::move(certificate_pem)), key_pem_(std::move(key_pem))
    {
    }

    std::string certificate_pem_, key_pem_;
};

/// Whether the authority whose certificate this is has made `certificate`, for somebody who dials. Neither
/// its dates are looked at nor whether it still counts. Errors: permission (it has not), corrupt (no
/// certificates). Threads: any.
Result<void> check_issued(std::string_view certificate_pem, std::string_view authority_pem);

}  // namespace belay::site
