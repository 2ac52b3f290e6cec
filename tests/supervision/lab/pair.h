#pragma once
// A pair on two lab hosts, of which the one that serves meets one fault after the other; and when each of
// them has served.

#include "stack.h"

namespace belay::testing {

/// What becomes of the one that serves, or of its host.
enum class Fault {
    killed,
    killed_alone,  ///< while there is no controller
    switched,      ///< no fault: a person lets the other serve
    frozen,        ///< its process is stopped (SIGSTOP) for a while
    host_frozen,   ///< nothing happens on its host for a while, and then it goes on
    link_cut,      ///< its host is cut off from all others for a while
    host_cut,      ///< its host loses its power
};
std::string_view name_of(Fault fault);

/// What came of one.
struct Takeover {
    Fault fault = Fault::killed;
    /// From the last act of the one that served, or the loss of its host, to the first of the other.
    double milliseconds = 0;
};

/// Threads: one.
class PairUnderFaults {
  public:
    PairUnderFaults();

    /// Waits until one serves and the other stands by; then the fault, until the other has acted, and its
    /// end.
    Takeover meet(Fault fault);
    /// What has happened since the beginning, of both.
    const std::vector<Happened>& happened();
    /// Both are there, one serves, the other stands by. A failed test where that does not come.
    void await_whole();
    void check_hands();

  private:
    size_t host_of_serving();
    bool has_acted(size_t host);
    void take_trace(size_t host);
    void begin(Fault fault, size_t host, pid_t pid);
    void end(Fault fault, size_t host, pid_t pid);

    Stack stack_;
    double counts_of_a_millisecond_;
    std::string traces_;
    std::vector<Happened> happened_;
};

}  // namespace belay::testing
