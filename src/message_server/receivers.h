#pragma once
// Who takes the messages of an output: a file, a receiver of syslog, one of OTLP.

#include "framework/messages/outputs/output.h"

#include <memory>
#include <span>

namespace belay::message_server {

struct Taken {
    size_t count = 0;                   ///< so many from the front are taken, or refused for good
    uint64_t refused = 0;               ///< of these
    std::string reason = {};            ///< why, of the last of them
    std::optional<Error> problem = {};  ///< why not all; they are offered again
};

/// Threads: one at a time.
class Receiver {
  public:
    Receiver() = default;
    virtual ~Receiver() = default;
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    /// In their order. What it says of the count is true as far as the other side tells: a receiver of syslog
    /// answers nothing, so what its machine has acknowledged counts. After a problem some may come to it
    /// twice. Some seconds at most.
    virtual Taken take(std::span<const framework::messages::StoredMessage> messages) = 0;
};

std::unique_ptr<Receiver> make_receiver(const framework::messages::Output& output);

std::unique_ptr<Receiver> make_syslog_receiver(const framework::messages::SyslogPlan& plan);
std::unique_ptr<Receiver> make_otlp_receiver(const framework::messages::OtlpPlan& plan);

}  // namespace belay::message_server
