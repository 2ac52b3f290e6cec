#pragma once
// How a person writes where the site's etcd is: "etcd:HOST:PORT,HOST:PORT/PREFIX".
//
//     etcd:10.0.0.1:2379
//     etcd:10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379
//     etcd:[fd00::1]:2379,etcd2.example:2379/branch-3

#include "store/etcd/etcd.h"

namespace belay::store {

/// Whether the text names an etcd, rather than the file of a local store: it begins with "etcd:".
bool is_etcd_address(std::string_view text);

/// Endpoints and prefix; the rest of the options as they are by themselves. A host is a name, an IPv4
/// address, or an IPv6 address in brackets. Errors: usage, naming the part that is wrong.
Result<EtcdOptions> parse_etcd_address(std::string_view text);

/// Whether open_etcd() would take these, TLS files apart. Errors: usage.
Result<void> check_endpoint(std::string_view endpoint);
Result<void> check_prefix(std::string_view prefix);

}  // namespace belay::store
