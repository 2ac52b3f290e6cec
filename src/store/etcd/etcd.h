#pragma once
// The store of a site with several controllers: etcd 3.4 or newer, by its gRPC API (decision 23).
//
//     const auto store = open_etcd({.endpoints = {"10.0.0.1:2379", "10.0.0.2:2379", "10.0.0.3:2379"}});
//
// It keeps the contract of store.h, and is not quite as exact as the local stores where that contract leaves
// room: revisions are those of the whole etcd, leases are whole seconds of etcd's own clock, and what another
// has committed may reach a watch a moment after it can be read.
//
// Keys lie under "PREFIX/key/", so that `etcdctl get --prefix PREFIX/key/` shows them. "PREFIX/writer/" is
// the store's own (writer.h).

#include "store/store.h"

namespace belay::store {

struct EtcdOptions {
    std::vector<std::string>
        endpoints;                 ///< of one etcd: "10.0.0.1:2379", "[fd00::1]:2379", "etcd1.example:2379"
    std::string prefix = "belay";  ///< one for each site: 1 to 64 letters, digits, '.', '_', '-'
    std::string ca_file = {};      ///< PEM; who signed etcd's certificate. Empty: no TLS, for loopback
    std::string certificate_file = {};           ///< PEM; ours, where etcd asks for one
    std::string key_file = {};                   ///< PEM; of that certificate
    std::chrono::milliseconds time_limit{5000};  ///< of one call, however many endpoints it had to ask
};

/// Connects, and asks who is there. Afterwards every call finds its way to an endpoint that answers by
/// itself.
///
/// A commit() is done exactly once, also where an answer was lost on the way; where the truth cannot be found
/// within the time limit its error is `lost`: it may have been done, or may still be. The other calls are
/// repeated without harm, and fail with `unavailable` after the time limit. A watch goes on by itself over
/// lost connections. While nobody can be reached its next() fails with `unavailable`, once in a time limit,
/// and goes on later; where it was away for longer than etcd remembers, its next() fails with not_found from
/// then on, and the caller lists anew.
///
/// etcd must be started with --max-request-bytes=10485760 for what limits.h allows; where it is not, what is
/// larger than its limit is `refused`, and the error says so. History is compacted from here.
///
/// Errors: usage, not_found and permission (the files), permission (TLS), version, unavailable, corrupt.
Result<std::unique_ptr<Store>> open_etcd(const EtcdOptions& options);

}  // namespace belay::store
