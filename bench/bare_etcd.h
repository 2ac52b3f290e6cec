#pragma once
// The peer of the configuration: an etcd, and what a program would do that keeps one value in it.

#include "base/result.h"
#include "program.h"
#include "samples.h"

#include <memory>

namespace belay::bench {

/// One node on ports that the kernel gave, its data in a folder. Ends with its owner.
class Etcd {
  public:
    /// Comes back when it answers. Errors: not_found (no etcd here), unavailable.
    static Result<Etcd> start(const std::string& folder);
    const std::string& endpoint() const { return endpoint_; }

  private:
    Etcd(Program program, std::string endpoint) : program_(std::move(program)), endpoint_(std::move(endpoint))
    {
    }
    Program program_;
    std::string endpoint_;
};

/// A client with nothing between it and etcd but gRPC: one key, and a watch of it in a thread of its own.
class BareEtcd {
  public:
    static Result<std::unique_ptr<BareEtcd>> open(const std::string& endpoint);
    ~BareEtcd();
    BareEtcd(const BareEtcd&) = delete;
    BareEtcd& operator=(const BareEtcd&) = delete;

    /// Puts a value; when that was answered, and when the watch had it.
    struct Times {
        Nanoseconds begun{0}, put{0}, watched{0};  ///< CLOCK_MONOTONIC
    };
    Result<Times> put(const std::string& value);

  private:
    struct Parts;
    explicit BareEtcd(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace belay::bench
