#pragma once
// Runs the commands that the lab asks for, side by side, and carries their input and output over the line.

#include "base/result.h"
#include "protocol.h"

#include <map>
#include <string>
#include <sys/poll.h>
#include <sys/types.h>
#include <vector>

namespace belay::lab {

class Commands {
  public:
    /// `line` is the serial line, raw and non-blocking. The signal CHLD must be blocked.
    explicit Commands(int line) : line_(line) {}

    /// The first frame that came; waits for it. Errors: corrupt, io (the lab has gone).
    Result<Frame> await_frame();
    void send(FrameType type, uint32_t command, std::string payload);
    /// Works until the lab asks for the power to be switched off. Errors: corrupt, io (the lab has gone).
    Result<void> serve();
    /// Waits until everything that was sent has left.
    Result<void> flush();

  private:
    struct Command {
        pid_t process = 0;
        int in = -1, out = -1, err = -1;  ///< a terminal has the same descriptor in `in` and `out`
        bool terminal = false;
        bool input_ended = false;
        std::string input;  ///< not yet taken by the command
    };

    Result<void> read_line();
    Result<void> write_line();
    void obey(const Frame& frame);
    void start(uint32_t number, const std::string& payload);
    void feed(Command& command);
    /// Sends on what the command wrote; false when there will be no more.
    bool forward(uint32_t number, int fd, FrameType type);
    void close_output(Command& command, int& fd);
    void bury_children();
    void finish(uint32_t number, Command& command, int status);
    std::vector<pollfd> wishes(int children) const;

    int line_;
    Decoder decoder_;
    std::string unsent_;
    std::map<uint32_t, Command> commands_;
};

}  // namespace belay::lab
