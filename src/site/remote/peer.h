#pragma once
// Who is on the other side of a call, by the certificate that it has shown.
//
// TLS proves that whoever dials has the key of that certificate; whether it is to be believed is checked
// here, and not by TLS, which would end the connection without a word: so that who is refused learns why, and
// the audit trail of the controller as well.

#include "site/identity/identity.h"

namespace grpc {
class ServerContextBase;
}

namespace belay::site {

/// The certificate of a machine of the site, whose authority this is, at this time of the wall clock; whether
/// it still counts the register knows. Errors: permission (it has shown none, one that somebody else has
/// made, or one whose time is not now), corrupt.
Result<Certificate> certificate_of(const grpc::ServerContextBase& context, std::string_view authority_pem,
                                   Milliseconds now);

/// Where it is, for a person: "10.0.0.1:4880", "[fd00::1]:4880".
std::string address_of(const grpc::ServerContextBase& context);

}  // namespace belay::site
