#pragma once
// A program that is measured from outside.

#include "base/result.h"

#include <sys/types.h>

namespace belay::bench {

/// Ends (SIGTERM) and is waited for with its owner. Moved from: owns nothing.
class Program {
  public:
    /// argv[0] is a path. Its output goes nowhere, but for that on descriptor 3, which is `ready` where that
    /// is one. Errors: those of the system.
    static Result<Program> start(const std::vector<std::string>& argv, int ready = -1);
    ~Program();
    Program(Program&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    Program& operator=(Program&&) = delete;

    pid_t pid() const { return pid_; }
    /// Waits for its end. Errors: failed, where it ended otherwise than with 0.
    Result<void> wait();

  private:
    explicit Program(pid_t pid) : pid_(pid) {}
    pid_t pid_;
};

/// From start to end.
Result<void> run_to_end(const std::vector<std::string>& argv);

}  // namespace belay::bench
