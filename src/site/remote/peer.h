#pragma once
// Who is on the other side of a call, by the certificate that TLS has checked.

#include "site/identity/identity.h"

namespace grpc {
class ServerContextBase;
}

namespace belay::site {

/// Its dates were checked when the connection was made, and that the site's authority has issued it. Errors:
/// permission (it has shown none), corrupt.
Result<Certificate> certificate_of(const grpc::ServerContextBase& context);

/// Where it is, for a person: "10.0.0.1:4880", "[fd00::1]:4880".
std::string address_of(const grpc::ServerContextBase& context);

}  // namespace belay::site
