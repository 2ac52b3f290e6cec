#pragma once
// The segments of a store, as all threads see them.

#include "framework/messages/store/segment_file.h"

#include <atomic>
#include <mutex>

namespace belay::framework::messages {

/// One that is not appended to (any more), or not by whoever looks. Its file goes with its last user once it
/// has been let go of.
class Segment {
  public:
    Segment(std::string path, SegmentState state, const SegmentSummary& summary)
        : path_(std::move(path)), state_(state), summary_(summary)
    {
    }
    ~Segment()
    {
        if (is_gone_) remove_segment(path_);
    }
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    const std::string& path() const { return path_; }
    SegmentState state() const { return state_; }
    /// Of the one that is appended to: as it was when it was opened.
    SegmentSummary summary() const
    {
        const std::lock_guard lock(mutex_);
        return summary_;
    }
    /// Nothing is appended to it any more.
    void fill(const SegmentSummary& summary)
    {
        const std::lock_guard lock(mutex_);
        summary_ = summary;
    }
    void let_go() { is_gone_ = true; }

  private:
    const std::string path_;
    const SegmentState state_;
    mutable std::mutex mutex_;
    SegmentSummary summary_;
    std::atomic<bool> is_gone_ = false;
};

using Segments = std::vector<std::shared_ptr<Segment>>;

/// In the order of their first numbers. Threads: any.
class SegmentList {
  public:
    Segments all() const;
    void add(std::shared_ptr<Segment> segment);
    /// `next` stands where `segment` stood; none: nothing does. False: that was not there any more.
    bool replace(const std::shared_ptr<Segment>& segment, std::shared_ptr<Segment> next);

    void lose(Loss loss);
    std::vector<Loss> take_losses();

  private:
    mutable std::mutex mutex_;
    Segments segments_;
    std::vector<Loss> losses_;
};

/// The files of a folder, put in order when a store begins: what was half made has gone, what cannot be read
/// is put aside. Errors: version, io.
struct FoundSegments {
    Segments segments = {};
    uint64_t next = 1;  ///< no number from here on was ever used
    Positions positions = {};
    std::vector<Loss> losses = {};
};
Result<FoundSegments> find_segments(const std::string& folder);

/// Gives it a name under which nobody takes it for a segment. Whether the disk lets it or not, it is said.
Loss put_aside(const std::string& path, const Error& why);

/// That a file cannot be read, rather than that the system had no memory or no descriptor.
bool is_damage(const Error& error);

}  // namespace belay::framework::messages
