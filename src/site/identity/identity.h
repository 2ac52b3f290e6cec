#pragma once
// Who is who in a site: X.509 certificates of the site's own authority. The private key of a machine is made
// on that machine and never leaves it.
//
// A certificate speaks for one identity, a URI in its subjectAltName: "belay://SITE/agent/7". That of a
// controller also has the DNS name "controller.SITE.belay" and may serve TLS, as that of a proxy has
// "proxy.SITE.belay". This name, and not an address, is what everybody demands of the one that they dial: so
// a controller may move, and neither an agent nor a proxy can pass for one.

#include "base/result.h"
#include "base/units.h"

#include <string>
#include <string_view>

namespace belay::site {

/// What a machine does in the site.
enum class Role {
    controller,  ///< decides, and keeps the configuration
    agent,       ///< works on its own machine
    proxy,       ///< answers reads where the controllers are far away
};
/// The stable name, as "agent".
std::string_view name_of(Role role);
/// Errors: usage.
Result<Role> role_named(std::string_view name);

/// Of the name that a site has for machines.
constexpr size_t site_digits = 16;

struct Identity {
    std::string site = {};  ///< 16 hexadecimal digits, made with the site
    Role role = Role::agent;
    std::string id = {};  ///< of the member, a decimal number that is never used again
    bool operator==(const Identity&) const = default;
};

/// "belay://0123456789abcdef/agent/7".
std::string to_uri(const Identity& identity);
/// Errors: corrupt, where it is not such a URI.
Result<Identity> identity_of(std::string_view uri);

/// The name that a certificate must have for its owner to be taken for a controller of this site.
std::string controller_name(std::string_view site);
/// The same for a proxy.
std::string proxy_name(std::string_view site);

/// One certificate, as far as it has been read; whether it is to be believed is not known by that.
struct Certificate {
    std::string pem = {};
    Identity identity = {};
    std::string fingerprint = {};              ///< SHA-256 of its DER form, 64 hexadecimal digits
    Milliseconds not_before{0}, not_after{0};  ///< wall clock
};

/// The first certificate of a PEM text of at most 64 KiB. Errors: corrupt (none there, or without an
/// identity). Threads: any.
Result<Certificate> read_certificate(std::string_view pem);

/// A new private key for P-256, as PEM (PKCS 8). Threads: any.
Result<std::string> make_key();
/// A signing request (PKCS 10, PEM) that proves that its sender has this key. Errors: corrupt (no key).
Result<std::string> make_request(std::string_view key_pem);

}  // namespace belay::site
