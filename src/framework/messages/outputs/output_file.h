#pragma once
// One file of lines, in segments.
//
//     standard.log                        the newest
//     standard.log.20261129T180405.120Z   older ones, each with the time at which it was full

#include "framework/messages/message.h"
#include "host/descriptor.h"

namespace belay::framework::messages {

struct OutputPlan {
    std::string path = {};                 ///< absolute; its folder is made where there is none
    uint64_t segment_bytes = 16ULL << 20;  ///< a new segment begins before it would be larger, or as old as
    Milliseconds segment_age = std::chrono::hours(24);
    unsigned keep = 10;                             ///< how many older segments stay
    Milliseconds keep_for = std::chrono::days(90);  ///< and how long
};
/// Errors: usage, naming what is wrong.
Result<void> check(const OutputPlan& plan);

/// Threads: one.
class OutputFile {
  public:
    explicit OutputFile(OutputPlan plan) : plan_(std::move(plan)) {}

    /// Whole lines to the end of the file, which is begun, or begun anew, where that is due or where somebody
    /// has moved it away. How many lines are in it then; fewer than there were: `problem` says why, and the
    /// file ends with a whole line.
    size_t write(std::string_view lines, Milliseconds now, std::optional<Error>& problem);
    const OutputPlan& plan() const { return plan_; }

  private:
    Result<void> open(Milliseconds now);
    bool is_moved_away() const;
    Result<void> rotate(Milliseconds now);
    void remove_old(Milliseconds now) const;
    size_t append(std::string_view lines, Result<void>& done);

    const OutputPlan plan_;
    host::Descriptor file_;
    uint64_t size_ = 0;
    Milliseconds begun_{0};
    std::string rotated_ = {};  ///< the time in the name of the last older one
    unsigned rotations_ = 0;    ///< how many have that
};

}  // namespace belay::framework::messages
