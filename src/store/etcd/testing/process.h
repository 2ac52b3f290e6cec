#pragma once
// For tests: a program that runs beside the test and does not outlive it.

#include <string>
#include <sys/types.h>
#include <vector>

namespace belay::store {

class Process {
  public:
    Process() = default;
    /// Starts `argv`, its output appended to the file `log`. Ends with the thread that made it, whatever
    /// becomes of the test. Fails the test where it cannot be started.
    Process(const std::vector<std::string>& argv, const std::string& log);
    ~Process() { end(); }
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;

    bool runs() const { return pid_ > 0; }
    void signal(int number) const;
    void stop() const;  ///< SIGSTOP; comes back when it does nothing any more
    void end();         ///< SIGKILL, and waits
    /// Waits for its end. Its exit code; 128 + signal where it was killed.
    int wait();

  private:
    pid_t pid_ = -1;
};

/// A port of 127.0.0.1 that was free a moment ago.
int free_port();

}  // namespace belay::store
