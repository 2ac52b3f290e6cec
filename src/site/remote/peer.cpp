#include "site/remote/peer.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/server_context.h>

namespace belay::site {

Result<Certificate> certificate_of(const grpc::ServerContextBase& context)
{
    const std::shared_ptr<const grpc::AuthContext> shown = context.auth_context();
    if (!shown || !shown->IsPeerAuthenticated())
        return fail(ErrorKind::permission, "who asks has shown no certificate of this site",
                    "belay host invite, on a controller");
    const std::vector<grpc::string_ref> pem = shown->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    if (pem.size() != 1) return fail(ErrorKind::permission, "who asks has shown no certificate of this site");
    return read_certificate({pem.front().data(), pem.front().size()});
}

}  // namespace belay::site
