#pragma once
// The lab's end of the serial line to a guest: one thread reads it and hands out what each command says.

#include "base/result.h"
#include "base/units.h"
#include "protocol.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace belay::lab {

/// What has come of one command. Guarded by the line's mutex.
struct Transcript {
    std::string out;
    std::string err;
    std::optional<int> exit_code;
    std::optional<Error> failure;  ///< it was never started, or nobody knows what became of it

    bool over() const { return exit_code || failure; }
};

/// Threads: any.
class Line {
  public:
    /// Takes the descriptor. `reason` says why the guest has gone, when the line breaks; it is called in a
    /// thread of the line.
    Line(int fd, std::function<Error()> reason);
    ~Line();
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    /// Waits for the guest to say `type`. Errors: timeout, failed (it says that it is broken), lost.
    Result<void> await(FrameType type, Milliseconds limit);
    /// Errors: lost (the guest has gone).
    Result<void> send(const Frame& frame);
    /// Errors: lost (the guest has gone).
    Result<uint32_t> start(std::string payload);
    void forget(uint32_t command);

    /// Waits until `done` holds for a command, at most `limit`; false when it does not. `done` may alter the
    /// transcript.
    bool wait(uint32_t command, Milliseconds limit, const std::function<bool(Transcript&)>& done);

  private:
    void read();
    /// Waits until the guest takes more; returns how many bytes may be sent, at most `wanted`.
    Result<size_t> await_room(size_t wanted);
    void take(Frame frame);
    void hang_up(const Error& error);

    int fd_;
    std::function<Error()> reason_;
    std::mutex sending_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<uint32_t, Transcript> commands_;
    uint32_t last_command_ = 0;
    size_t not_taken_ = 0;            ///< bytes on the way to the guest
    std::optional<FrameType> state_;  ///< the last of hello, ready
    std::optional<Error> broken_;
    std::thread reader_;
};

}  // namespace belay::lab
