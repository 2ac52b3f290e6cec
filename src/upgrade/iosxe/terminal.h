#pragma once
// The command line of a device, as a person has it before them: lines are typed, and what comes back is read.
//
// Nothing is typed that a plan did not show: what works on a device is given a SpokenFor, which refuses every
// line that is not on its list.

#include "base/result.h"
#include "base/units.h"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace belay::upgrade::iosxe {

/// What is said to a question that the device asks before it goes on. Each is used once.
struct Reply {
    std::string asked;  ///< how the question ends: "[y/n]"
    std::string say;
};

struct Line {
    std::string text;
    Milliseconds limit = std::chrono::seconds(60);  ///< until its prompt comes back
    std::vector<Reply> replies = {};
};

/// What came back for one line: without its echo, its prompt, and what the device logged meanwhile.
struct Answer {
    std::string text = {};
    bool lost = false;     ///< the line went away before its prompt came back, as when a chassis reloads
    std::string why = {};  ///< and why
};

/// Whether a line may be typed at all: 1..1000 printable ASCII characters, no question mark (the device would
/// answer at once, before the line is whole). Errors: usage.
Result<void> check_line(const std::string& text);

/// Threads: any; each call has a connection of its own.
class Terminal {
  public:
    /// Is told what the device says, as it comes. False: to be ended.
    using Said = std::function<bool(const std::string& line)>;
    /// Bytes that were sent, of how many. False: to be ended.
    using Carried = std::function<bool(uint64_t done, uint64_t total)>;

    virtual ~Terminal() = default;

    /// Types lines one after the other; ends with the first answer that is lost. Errors: unavailable (nobody
    /// can connect; it was ended), permission (login, enable), refused (host key, an unknown question),
    /// timeout, corrupt (more than 16 MiB), usage (a line that may not be typed): with what was typed before
    /// in no case undone.
    virtual Result<std::vector<Answer>> type(const std::vector<Line>& lines, const Said& said = {}) = 0;

    /// Sends a file of this host into a file of the device, as "flash:x.bin", by SCP. Errors: as type();
    /// not_found, no_space, refused (what the device says).
    virtual Result<void> carry(const std::string& file, const std::string& to,
                               const Carried& carried = {}) = 0;
};

/// Refuses what is not on its list. The other one must outlive it.
class SpokenFor final : public Terminal {
  public:
    SpokenFor(Terminal& terminal, std::set<std::string> lines) : terminal_(terminal), lines_(std::move(lines))
    {
    }

    /// Errors besides: refused (a line that no plan shows); nothing is typed then.
    Result<std::vector<Answer>> type(const std::vector<Line>& lines, const Said& said) override;
    /// The line of a carrying is "copy FILE TO".
    Result<void> carry(const std::string& file, const std::string& to, const Carried& carried) override;

  private:
    Terminal& terminal_;
    const std::set<std::string> lines_;
};

}  // namespace belay::upgrade::iosxe
