#pragma once
// What the network has to say to the audit trail, so that neither strangers can fill it nor those who may
// only look.

#include "base/json.h"
#include "operation/engine.h"

#include <mutex>

namespace belay::daemon {

/// Threads: any.
class AuditTrail {
  public:
    /// Of entries about those who are not known or were denied: so many at once, and one more after each
    /// span.
    static constexpr unsigned at_once = 20;
    static constexpr Milliseconds one_more_after = std::chrono::seconds(10);

    /// `engine`: whose trail it is; null for now: what is written is lost, as it is not this daemon's to
    /// write.
    AuditTrail(std::function<operation::Engine*()> engine, std::function<Milliseconds()> boot)
        : engine_(std::move(engine)), boot_(std::move(boot))
    {
    }

    /// {who, origin, verb, object, answer}; without `who` it is of a stranger; {denied: true} is of somebody
    /// who may not do this.
    void write(const Json& entry);

  private:
    /// Whether there is room for one of a stranger; how many there was none for since the last.
    std::optional<uint64_t> take_room();

    const std::function<operation::Engine*()> engine_;
    const std::function<Milliseconds()> boot_;
    std::mutex mutex_;
    unsigned room_ = at_once;
    Milliseconds counted_{0};
    uint64_t left_out_ = 0;
};

}  // namespace belay::daemon
