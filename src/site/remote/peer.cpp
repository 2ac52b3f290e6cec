#include "site/remote/peer.h"

#include "site/identity/authority.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/server_context.h>

namespace belay::site {

Result<Certificate> certificate_of(const grpc::ServerContextBase& context, std::string_view authority_pem,
                                   Milliseconds now)
{
    const std::shared_ptr<const grpc::AuthContext> shown = context.auth_context();
    if (!shown || !shown->IsPeerAuthenticated())
        return fail(ErrorKind::permission, "who asks has shown no certificate of this site",
                    "belay host invite, on a controller");
    const std::vector<grpc::string_ref> pem = shown->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    if (pem.size() != 1) return fail(ErrorKind::permission, "who asks has shown no certificate of this site");
    const std::string_view shown_pem(pem.front().data(), pem.front().size());
    TRY(check_issued(shown_pem, authority_pem));
    Certificate certificate = TRY(read_certificate(shown_pem));
    const auto refused = [&](std::string_view why) {
        return fail(ErrorKind::permission,
                    fmt::format("the certificate of the {} {} {}", name_of(certificate.identity.role),
                                certificate.identity.id, why),
                    "belay host invite, on a controller");
    };
    if (now >= certificate.not_after) return refused("has expired");
    if (now < certificate.not_before) return refused("is not good yet, by the clock of this machine");
    return certificate;
}

std::string address_of(const grpc::ServerContextBase& context)
{
    // gRPC writes it as a URI: "ipv4:10.0.0.1:4880", "ipv6:%5Bfd00::1%5D:4880".
    std::string address = context.peer();
    for (const std::string_view scheme : {"ipv4:", "ipv6:"}) {
        if (address.starts_with(scheme)) address.erase(0, scheme.size());
    }
    for (const auto& [escaped, plain] : {std::pair{"%5B", "["}, std::pair{"%5D", "]"}}) {
        if (const size_t at = address.find(escaped); at != std::string::npos) address.replace(at, 3, plain);
    }
    return address;
}

}  // namespace belay::site
