#pragma once
// What happened between two views of an operation, as lines for a pipe and as JSON lines.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// `json` is one line of docs/cli.md's "Events"; `text` the same for a person, without a line end.
struct Event {
    Json json;
    std::string text;
};

/// Compares each view with the one before. Progress is told at most every ten seconds, or every ten percent.
class EventLog {
  public:
    /// `known`: what need not be told any more.
    EventLog(const Style& style, Json known) : style_(style), last_(std::move(known)) {}

    /// `now` is any clock that never jumps.
    std::vector<Event> take(const Json& view, Milliseconds now);

  private:
    void tell(std::string_view event, Json detail, std::string text);
    void tell_transitions(const Json& view);
    void tell_steps(const Json& view);
    void tell_step(const Json& before, const Json& step);
    void tell_gates(const Json& view);
    void tell_progress(const Json& view, Milliseconds now);

    Style style_;
    Json last_;
    std::vector<Event> events_;
    std::string id_;
    std::string progress_step_;
    int told_percent_ = 0;
    Milliseconds told_at_{0};
};

}  // namespace belay::cli
