#pragma once
// Somebody who asks at the virtual address all the time, and so sees from when to when nobody served.

#include "base/units.h"
#include "failover_network.h"
#include "samples.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace belay::bench {

inline constexpr uint16_t served_port = 8000;

struct Answer {
    Nanoseconds at{0};  ///< of CLOCK_BOOTTIME
    int host = 0;       ///< that gave it
};

/// Whose answers count.
enum class Serving {
    any,      ///< who answers
    primary,  ///< who says that it is the primary
};

/// Begins a question each other millisecond, whether those before are answered or not, and waits for each
/// for a quarter of a second. Threads: its own, and one that looks.
class AskingClient {
  public:
    /// Asks from host 0 of the network, which outlives it.
    AskingClient(const HostNetwork& network, Serving serving);
    ~AskingClient();
    AskingClient(const AskingClient&) = delete;
    AskingClient& operator=(const AskingClient&) = delete;

    /// The first one since then, of another host than `but_not`. Errors: timeout.
    Result<Answer> await(Nanoseconds since, int but_not, Milliseconds limit);
    /// The one before that.
    std::optional<Answer> before(Nanoseconds at) const;

    struct Gaps {
        Nanoseconds longest{0};           ///< between two answers
        Nanoseconds longest_at{0};        ///< when it began
        size_t answers = 0, changes = 0;  ///< of the host that answers
    };
    Gaps gaps(Nanoseconds since, Nanoseconds until) const;

  private:
    struct Question {
        host::Descriptor socket = {};
        Nanoseconds asked{0};
    };
    void serve(int network);
    void ask(Question& question, Nanoseconds now) const;
    void listen(Question& question);

    const Serving serving_;
    const host::Descriptor wake_, poll_;
    std::array<Question, 128> questions_;
    mutable std::mutex mutex_;
    std::condition_variable come_;
    std::vector<Answer> answers_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace belay::bench
