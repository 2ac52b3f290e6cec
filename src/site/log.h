#pragma once
// What the daemon says of itself as it starts and runs, a line each, on standard error or in a file:
//
//     2026-11-27 07:28:40.123Z standard  serves /run/belay/belayd.sock
//
// From the first moment on, so that also a start that fails can be followed. Never a secret: what is said is
// said of names, addresses and reasons.

#include "base/result.h"
#include "host/descriptor.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace belay::site {

/// Each includes the ones before it.
enum class LogLevel {
    none,
    standard,  ///< the start, the end, and what a person should know
    trace,     ///< each connection that comes and goes, and why
    all,       ///< each step of the start
};
/// The stable name, as "trace".
std::string_view name_of(LogLevel level);
/// Errors: usage, naming those there are.
Result<LogLevel> log_level_named(std::string_view name);

/// Threads: any. A line that cannot be written is lost: nothing waits for the log.
class Log {
  public:
    /// To standard error, at this level until another one is set.
    explicit Log(LogLevel level) : given_(level), level_(level) {}
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    /// From now on to this file, at its end; made (0640) where it is not there. Errors: those of the system.
    Result<void> write_to(const std::string& path);

    /// From now on; nothing: that of the beginning.
    void set_level(std::optional<LogLevel> level) { level_ = level.value_or(given_); }

    void standard(std::string_view line) { write(LogLevel::standard, line); }
    void trace(std::string_view line) { write(LogLevel::trace, line); }
    void detail(std::string_view line) { write(LogLevel::all, line); }

  private:
    void write(LogLevel level, std::string_view line);

    const LogLevel given_;
    std::atomic<LogLevel> level_;
    std::mutex mutex_;
    host::Descriptor file_;
};

}  // namespace belay::site
