#pragma once
// The newest segment, to which messages are appended.

#include "framework/messages/store/segment_file.h"

namespace belay::framework::messages {

/// Threads: one at a time.
class GrowingSegment {
  public:
    /// A file that make_segment() has made, however it was left since. Errors: corrupt, version, io.
    static Result<std::unique_ptr<GrowingSegment>> open(const std::string& path);
    ~GrowingSegment();
    GrowingSegment(const GrowingSegment&) = delete;
    GrowingSegment& operator=(const GrowingSegment&) = delete;

    /// Whole and on the disk, or not at all. The number of the first. Errors: no_space, corrupt; io, after
    /// which nobody knows what the disk holds, and the segment is left as it is.
    Result<uint64_t> append(std::span<const Message> messages, std::span<const Position> positions,
                            Milliseconds now);

    const SegmentSummary& summary() const { return summary_; }
    const Positions& positions() const { return positions_; }
    uint64_t bytes() const { return bytes_; }  ///< of the database, without its log

  private:
    struct Statements;
    GrowingSegment(std::unique_ptr<store::SqliteConnection> connection,
                   std::unique_ptr<Statements> statements);
    Result<void> load();
    Result<void> measure();
    Result<void> write(std::span<const Message> messages, std::span<const Position> positions,
                       Milliseconds now, SegmentSummary& summary);
    Result<void> write_spans(std::span<const Message> messages);
    Result<int64_t> name_number(const std::string& name);

    const std::unique_ptr<store::SqliteConnection> connection_;
    const std::unique_ptr<Statements> sql_;
    SegmentSummary summary_;
    Positions positions_;
    std::map<std::string, int64_t, std::less<>> names_;
    uint64_t bytes_ = 0;
};

}  // namespace belay::framework::messages
