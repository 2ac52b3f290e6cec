#pragma once
// Calls to an etcd of several endpoints: each finds one that answers, or fails after its time. gRPC is behind
// this header, and included by client.cpp alone.
//
// One endpoint is in use at a time. A call that it does not answer within a part of the time (a node that
// hangs, or is cut off from the others, says nothing at all), or answers with "no leader", is sent again to
// the next one. So what changes something must bear being sent twice; a caller who must know is told of that
// (`in_doubt`).
//
// Refused: gRPC's own load balancing over a list of addresses. It leaves an address when its connection
// breaks, and not when a node hangs or has lost the others, and nobody learns whether a request was sent
// twice.

#include "store/etcd/etcd.h"

#include <etcd/rpc.pb.h>

namespace belay::store {

namespace etcd = etcdserverpb;

using Deadline = std::chrono::steady_clock::time_point;

/// One stream of a watch. Threads: one at a time, but for cancel().
class WatchStream {
  public:
    virtual ~WatchStream() = default;
    enum class Heard { response, nothing, end };
    /// The next response, waiting up to `patience` for it.
    virtual Heard read(etcd::WatchResponse& response, std::chrono::milliseconds patience) = 0;
    /// Asks etcd for any response at all. Does nothing while an earlier question is on its way.
    virtual void ask() = 0;
    /// Why it ended, once read() has said so.
    virtual Error failure() = 0;
    /// Tells the client that the endpoint does not answer, so that the next call asks another.
    virtual void leave_endpoint() = 0;
    /// read() returns `end` at once. Threads: any.
    virtual void cancel() = 0;
};

/// Threads: any.
class Client {
  public:
    /// Asks nobody yet. Errors: usage, and those of the files.
    static Result<std::unique_ptr<Client>> make(const EtcdOptions& options);
    virtual ~Client() = default;

    /// What a call that begins now has. Every call below fails at its deadline with `unavailable`, or
    /// permission where TLS is what fails at each endpoint.
    virtual Deadline deadline() const = 0;
    virtual std::chrono::milliseconds time_limit() const = 0;

    virtual Result<etcd::StatusResponse> status(Deadline deadline) = 0;
    virtual Result<etcd::RangeResponse> range(const etcd::RangeRequest& request, Deadline deadline) = 0;
    /// Sets `in_doubt` where an attempt of it may have been done without an answer, or may yet be.
    virtual Result<etcd::TxnResponse> txn(const etcd::TxnRequest& request, Deadline deadline,
                                          bool& in_doubt) = 0;
    virtual Result<void> compact(Revision revision, Deadline deadline) = 0;
    /// Repeating them does no harm: a lease has the id that the caller chose, and ids are never used again.
    virtual Result<void> grant(LeaseId id, std::chrono::seconds time_to_live, Deadline deadline) = 0;
    virtual Result<void> revoke(LeaseId id, Deadline deadline) = 0;  ///< not_found: there is none
    virtual Result<void> keep_alive(LeaseId id, Deadline deadline) = 0;

    /// Begins at the endpoint in use.
    virtual std::unique_ptr<WatchStream> watch(const etcd::WatchCreateRequest& request) = 0;
};

}  // namespace belay::store
