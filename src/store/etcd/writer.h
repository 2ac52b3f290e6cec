#pragma once
// Transactions on etcd, each done exactly once (markers.h says how).

#include "store/etcd/markers.h"

namespace belay::store {

/// Threads: any.
class Writer {
  public:
    Writer(Client& client, const Layout& layout);

    /// As Store::commit, limits apart.
    Result<Commit> commit(const Transaction& transaction);

  private:
    struct Attempt;

    Result<Commit> commit(Attempt& attempt);
    /// What became of a transaction whose answer is an error; `error` itself where it certainly did not
    /// happen.
    Result<Commit> settle(Attempt& attempt, Error error);
    /// Moves the marker on, so that what was sent before cannot happen any more. The revision of the
    /// transaction, where it has happened.
    Result<std::optional<Revision>> fence(Attempt& attempt);
    /// What is in the way of the transaction, by the answer of a failed one; nothing: none of its
    /// comparisons.
    Result<std::optional<Commit>> conflict(const Attempt& attempt, const etcd::TxnResponse& response);

    Client& client_;
    const Layout& layout_;
    Markers markers_;
};

}  // namespace belay::store
