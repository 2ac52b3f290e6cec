#pragma once
// What was typed on a device and what it showed, as a file that a person reads.

#include "base/result.h"
#include "host/descriptor.h"

#include <string>
#include <string_view>

namespace belay::upgrade::iosxe::vty {

/// Appends to a file, which is made for its owner alone. Threads: one.
class Transcript {
  public:
    /// Keeps none.
    Transcript() = default;
    /// Errors: those of the system.
    static Result<Transcript> open(const std::string& path);

    /// A line of the device. What is no printable text in it becomes a question mark.
    Result<void> add(std::string_view line);
    /// A line of ours, which says when: "--- 2026-02-08T09:22:00Z core.example.net, ...".
    Result<void> note(std::string_view what);
    /// What was added outlives a power cut.
    Result<void> keep();

  private:
    Result<void> write(std::string_view text);

    std::string path_;
    host::Descriptor file_;
};

}  // namespace belay::upgrade::iosxe::vty
