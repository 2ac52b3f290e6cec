#pragma once
// TLS between the machines of a site, by gRPC: what both sides must hold for it, and the limits.

#include "site/identity/identity.h"

#include <memory>
#include <string>

namespace grpc {
class Channel;
class ServerBuilder;
class ServerCredentials;
}  // namespace grpc

namespace belay::site {

/// What a machine shows to be who it is, all PEM. Without a key and a certificate it is a stranger.
struct Papers {
    std::string authority;  ///< the certificate that all others are checked by
    std::string certificate = {};
    std::string key = {};
};

/// To be called before anything else of gRPC: keeps the threads that it shares between its channels and
/// servers until the process ends. gRPC 1.51 frees what they work on twice, now and then, when the last user
/// is gone and another comes at the same time, as it does when a member dials anew. Threads: any.
void hold_grpc();

/// Longer than any message of ours, by the space that the envelope takes.
constexpr int max_rpc_bytes = (8 << 20) + (64 << 10);

/// A connection to a controller of this site, or to a proxy, made when it is first used; it is refused where
/// the other side is none. `address`: HOST:PORT. Threads: any.
std::shared_ptr<grpc::Channel> channel_to(const std::string& address, const std::string& site,
                                          const Papers& papers, Role other = Role::controller);

/// For a controller or a proxy. Whoever shows a certificate must have its key; whether it is to be believed
/// is asked where it is needed (peer.h), and who shows none may come in as well.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const Papers& papers);
/// The limits of what one client can make a controller keep and do.
void set_limits(grpc::ServerBuilder& builder);

}  // namespace belay::site
