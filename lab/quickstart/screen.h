#pragma once
// What a quickstart shows: lines as a person would type them on a lab host, and what that person would see.

#include "host.h"

#include <string>
#include <string_view>

namespace belay::lab {

void say(std::string_view text);
/// Bold, where a person sits at a terminal.
std::string strong(std::string_view text);

class Screen {
  public:
    /// `programs`: the folder of belay and its companions, with "/" at its end.
    explicit Screen(std::string programs) : programs_(std::move(programs)) {}

    /// Runs a line, as "belay show 7", and shows what it says as it comes. `prompt`: said before it, as the
    /// name of the host. Errors: failed, where it does not end with 0.
    Result<void> show(Host& host, std::string_view prompt, const std::string& line) const;
    /// The same for a line that goes on: looks at it for a while, then leaves it as a person does, by Ctrl-C.
    Result<void> watch(Host& host, const std::string& line, Milliseconds span) const;

  private:
    Result<Process> start(Host& host, std::string_view prompt, const std::string& line) const;

    std::string programs_;
};

}  // namespace belay::lab
