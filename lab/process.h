#pragma once
// One command that runs inside a guest.

#include "base/result.h"
#include "base/units.h"
#include "host/host.h"
#include "line.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace belay::lab {

/// A terminal's size, in characters.
struct TerminalSize {
    int rows = 24;
    int columns = 80;
};

/// The command is killed, with its process group, when this object goes and it has not ended.
/// Threads: any; two that read share what comes. A guest that goes away makes every call fail: kind lost.
class Process {
  public:
    /// `size`: the command gets a terminal, else pipes. Errors: lost. A program that is not there is told by
    /// the first call that waits.
    static Result<Process> start(std::shared_ptr<Line> line, std::vector<std::string> argv,
                                 const TerminalSize* size = nullptr);
    ~Process();
    Process(Process&& other) noexcept = default;
    Process& operator=(Process&&) = delete;

    Result<void> write(std::string_view bytes);
    /// The end of its standard input. On a terminal, write "\x04".
    Result<void> close_input();
    /// To the command's process group.
    Result<void> signal(int number);
    Result<void> resize(TerminalSize size);

    /// What it has written to standard output (on a terminal: to the terminal) since the last call; waits
    /// until there is something. Empty when it has ended. Errors: timeout, not_found, lost.
    Result<std::string> read(Milliseconds limit);
    /// Reads until `text` has come and returns all up to its end; what follows stays for the next call.
    /// Errors: timeout, failed (it ended before), with what came in `output`; not_found, lost.
    Result<std::string> read_until(std::string_view text, Milliseconds limit);
    /// Waits for its end; `out` is what was not read before. Errors: timeout (it runs on), not_found, lost,
    /// corrupt (more than 16 MiB).
    Result<host::Outcome> wait(Milliseconds limit);

  private:
    Process(std::shared_ptr<Line> line, uint32_t number, std::vector<std::string> argv)
        : line_(std::move(line)), number_(number), argv_(std::move(argv))
    {
    }

    Result<void> check(const Transcript& transcript) const;
    std::string name() const;

    std::shared_ptr<Line> line_;
    uint32_t number_;
    std::vector<std::string> argv_;
};

}  // namespace belay::lab
