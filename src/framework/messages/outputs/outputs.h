#pragma once
// Messages in plain files, for those who look at them with less and grep, or have something that follows
// them. What they hold is no more than a copy: nobody waits for the disk, and what it does not take is
// counted, and said in the file when it takes more again:
//
//     2026-11-29T18:04:05.120Z standard 00-00000 web1/: 57 messages are missing here: cannot write ...: No
//     space left
//
// To wait in the place of counting was refused: a full disk would stop whoever has something to say about it.

#include "framework/messages/outputs/output_file.h"

#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>

namespace belay::framework::messages {

struct OutputFigures {
    std::string path;
    uint64_t written = 0;      ///< messages, since it was begun
    uint64_t missing = 0;      ///< of those that were to be written, how many were not
    std::string problem = {};  ///< why the last was not, while that lasts; empty: all is well
};

/// Threads: any. One of its own writes.
class Outputs {
  public:
    /// `host`: in whose name it says what is missing. Errors: usage, where a plan makes no sense or two have
    /// one file. That a file cannot be written is none: figures().
    static Result<std::unique_ptr<Outputs>> begin(const std::vector<OutputPlan>& plans, std::string host);
    /// Writes what it can still write.
    ~Outputs();
    Outputs(const Outputs&) = delete;
    Outputs& operator=(const Outputs&) = delete;

    /// Never waits for a disk. `now`: wall clock.
    void write(std::span<const Message> messages, Milliseconds now);
    std::vector<OutputFigures> figures() const;
    /// Until everything so far was written or counted. False: not within that time.
    bool settle(Milliseconds limit) const;

  private:
    struct Output;
    Outputs(std::vector<std::unique_ptr<Output>> outputs, std::string host);
    void write_on();
    void write_out(Output& output, const std::string& lines, uint64_t missing, Milliseconds now);

    const std::vector<std::unique_ptr<Output>> outputs_;
    const std::string host_;
    mutable std::mutex mutex_;  ///< of all below, and of what waits in each output
    mutable std::condition_variable changed_;
    Milliseconds now_{0};
    bool is_writing_ = false, is_over_ = false;
    std::thread writer_;
};

}  // namespace belay::framework::messages
