#pragma once
// What the applications print, in files: a line each, with its time, the newest at the end.
//
//     LOG/stat server.12.log       2026-11-27T19:30:00.123Z listens at port 7260
//     LOG/stat server.12.log.1     the segment before, and so on
//
// An application never waits for a disk: what it prints is taken in at once, and written by a thread of its
// own. Where more comes than that can write, lines are dropped, and how many is said in their place.

#include "base/result.h"
#include "base/units.h"
#include "framework/supervision/application.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace belay::supervisor {

using framework::supervision::ApplicationId;

struct OutputLimits {
    size_t segment_bytes = 16 << 20;
    unsigned segments = 4;            ///< the newest included
    size_t waiting_bytes = 16 << 20;  ///< of all applications together, not written yet
    size_t line_bytes = 64 << 10;     ///< a longer one is cut into several
};

/// Threads: any.
class Output {
  public:
    /// Errors: those of making the folder.
    static Result<std::unique_ptr<Output>> open(const std::string& folder, OutputLimits limits = {});
    /// Writes what waits.
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    /// Bytes as they came from its pipe; a line may come in several pieces.
    void take(ApplicationId id, const std::string& name, std::string_view bytes, Milliseconds wall);
    /// It has ended: what stands there without an end of line is a line.
    void finish(ApplicationId id, const std::string& name, Milliseconds wall);
    /// Comes back when what waits now is written.
    void flush();

    std::string file_of(ApplicationId id, const std::string& name) const;
    uint64_t dropped(ApplicationId id) const;

  private:
    Output(std::string folder, OutputLimits limits);
    struct Waiting {
        std::string name, lines;
        uint64_t dropped = 0;
    };
    void add_line(ApplicationId id, const std::string& name, std::string_view line, Milliseconds wall);
    void write_all();
    void append(const std::string& path, const Waiting& batch);
    void turn_over(const std::string& path) const;

    const std::string folder_;
    const OutputLimits limits_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<ApplicationId, std::string> unfinished_;  ///< without an end of line so far
    std::map<ApplicationId, Waiting> waiting_;
    std::map<ApplicationId, uint64_t> dropped_;
    size_t waiting_bytes_ = 0;
    bool writing_ = false;
    bool stopping_ = false;
    std::thread writer_;
};

}  // namespace belay::supervisor
