#pragma once
// Asks belayd to start and stop applications, and does not wait long for it. Who decides is belayd, by the
// account that this process runs as.

#include "base/json.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace belay::site::snmp {

/// Threads: any.
class Orders {
  public:
    /// Of belayd.
    explicit Orders(std::string socket) : socket_(std::move(socket)) {}

    /// Whether this account may order anything at all; nothing is changed. Errors: permission; else as
    /// order().
    Result<void> may();
    /// `want`: as belayd calls it. Errors: those of belayd; timeout: it has not answered within 1.5 s, and
    /// may do it yet; busy: several have not been answered.
    Result<void> order(const std::string& application, const std::string& want);

  private:
    Result<Json> ask(const Json& parameters);

    const std::string socket_;
    std::shared_ptr<std::atomic<int>> under_way_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace belay::site::snmp
