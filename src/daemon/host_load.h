#pragma once
// How this machine is loaded, looked at only when somebody asks: shares need two looks, so the first answer
// takes a quarter of a second, and what is asked soon after goes on from the look before.

#include "base/json.h"
#include "host/load/load.h"

#include <mutex>

namespace belay::daemon {

/// Threads: any.
class HostLoad {
  public:
    /// As load_between() tells it. Whoever asks within a second of somebody else gets the same answer.
    /// Errors: those of take_sample().
    Result<Json> look(bool processes, const host::load::Watched& watched);

  private:
    std::mutex mutex_;
    std::optional<host::load::Sample> last_;
    Json answer_;
};

}  // namespace belay::daemon
