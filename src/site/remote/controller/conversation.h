#pragma once
// What a member answers to one question, from the thread that reads its stream to the one that waits, or to
// what is called then.

#include "base/json.h"
#include "base/units.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

namespace belay::site {

/// Threads: any; one takes.
class Conversation {
  public:
    struct Answer {
        Json parameters;
        bool continues = false;
    };
    /// Gets the one answer, or why none came.
    using Then = std::function<void(const Result<Json>& answer)>;

    Conversation() = default;
    /// Nobody waits: `then` is called once, in the thread that brings the answer.
    explicit Conversation(Then then) : then_(std::move(then)) {}

    /// The next answer. Errors: the member's; timeout, where none came within `limit` (0: none).
    Result<Answer> take(Milliseconds limit);

    void put(Answer answer);
    /// No more will come; those that came are still taken.
    void end(const Error& error);

  private:
    Then take_then();

    std::mutex mutex_;
    std::condition_variable came_;
    Then then_;
    std::deque<Answer> answers_;
    std::optional<Error> ended_;
};

}  // namespace belay::site
