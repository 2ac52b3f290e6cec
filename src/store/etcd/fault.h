#pragma once
// What a failed call to etcd means: to the one who called, and to the next attempt.

#include "base/result.h"

namespace belay::store {

/// A gRPC status that is not OK, as the store sees it.
struct Fault {
    Error error;
    /// The endpoint, or the way to it, is at fault: ask again, and rather another.
    bool passing = false;
    /// The request has certainly changed nothing, and never will. Where this is false of a passing fault, it
    /// may have been done, or may yet be.
    bool undone = false;
    /// The connection itself is of no use any more.
    bool disconnected = false;
};

/// `code` is a grpc::StatusCode other than OK, `message` what came with it: words of gRPC, or of etcd's
/// (etcdserver/api/v3rpc/rpctypes/error.go), which begin with "etcdserver: ".
Fault fault_of(int code, std::string_view message, std::string_view endpoint);

}  // namespace belay::store
