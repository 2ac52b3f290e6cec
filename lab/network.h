#pragma once
// A network of its own for the hosts of one lab: a bridge in a network namespace without a name. Needs root.
// The real machine's network is not touched, and when the last host and this object have gone, the kernel
// takes everything back, whatever way the lab ended.

#include "base/result.h"

#include <atomic>
#include <memory>
#include <string>

namespace belay::lab {

/// Threads: any.
class Network {
  public:
    /// Errors: permission (not root), failed (what `ip` says).
    static Result<std::shared_ptr<Network>> make();
    ~Network();
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    /// One more plug on the bridge; returns the name of its tap device. Errors: failed.
    Result<std::string> add_tap();

    /// The real machine's own address on the bridge, as "10.77.0.254/24": whatever runs in the namespace is
    /// reached there by the hosts. Errors: failed.
    Result<void> add_address(const std::string& address);

    /// The namespace: a descriptor for setns(2), valid as long as this object.
    int namespace_fd() const { return namespace_; }

  private:
    explicit Network(int fd) : namespace_(fd) {}

    int namespace_;
    std::atomic<int> taps_ = 0;
};

}  // namespace belay::lab
