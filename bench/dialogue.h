#pragma once
// What a program that measures and the programs that it has started say to each other: a JSON object a line.

#include "base/json.h"
#include "host/descriptor.h"
#include "program.h"

namespace belay::bench {

/// Threads: one at a time.
class Dialogue {
  public:
    explicit Dialogue(host::Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

    Result<void> say(const Json& json) const;
    /// Waits. Errors: unavailable, where the other side has ended; an error that it has said.
    Result<Json> hear();
    Result<Json> ask(const Json& json)
    {
        TRY(say(json));
        return hear();
    }

  private:
    host::Descriptor descriptor_;
    std::string came_;
};

/// A program of this kind, which answers until its dialogue ends.
struct Talking {
    Dialogue dialogue;
    Program program;
};
/// Its descriptor 3 is the dialogue.
Result<Talking> start_talking(const std::vector<std::string>& argv);

/// The other end: answers each question until nobody asks any more. An error is said, and goes on.
Result<void> answer_all(const std::function<Result<Json>(const Json&)>& answer);

}  // namespace belay::bench
