#pragma once
// A file that somebody writes lines to at its end, and gives another name when it is large: NAME, which was
// NAME.1 before, and so on. It is read from a position on, over such changes and over our own restarts.
//
// A position is "INODE BORN OFFSET": a segment is known by what it is, whatever it is called now. BORN, in
// nanoseconds, tells it from one that got its inode later; 0 where the file system does not know it.

#include "base/result.h"
#include "base/units.h"
#include "host/descriptor.h"

#include <optional>
#include <string>
#include <vector>

namespace belay::message_server {

struct PrintedLine {
    std::optional<Milliseconds> at = {};  ///< nothing: it has no time at its front
    std::string text = {};                ///< without that time
};

/// What was read at one time; empty: there is no more now.
struct Piece {
    std::vector<PrintedLine> lines = {};
    std::string position = {};  ///< behind it
    bool lost = false;          ///< what stood before it was overwritten before it was read
};

/// Threads: one at a time.
class FollowedFile {
  public:
    static constexpr unsigned most_segments = 32;

    /// `position`: of the piece that was kept last; nothing: from its end on, as it is now.
    FollowedFile(std::string path, const std::optional<std::string>& position);

    /// At most about `most` bytes. A line without an end waits for it, unless it is longer than that. Errors:
    /// those of the system.
    Result<Piece> read(size_t most);
    /// Where it is: all before was given.
    std::string position() const;

  private:
    struct Identity {
        uint64_t inode = 0, born = 0;
        bool operator==(const Identity&) const = default;
    };
    struct Segment {
        host::Descriptor file;
        Identity identity;
    };

    static std::optional<Segment> open_segment(const std::string& path);
    std::string name_of(unsigned segment) const;
    bool open_at_position();
    std::optional<Segment> find_next(bool& lost) const;
    void go_on_with(Segment segment);
    Result<std::string> bytes_at_offset(size_t most) const;
    bool was_cut_short() const;
    void go_to_end();

    const std::string path_;
    std::optional<Segment> open_;
    std::optional<Identity> wanted_;  ///< the segment of the position, before it was found
    uint64_t offset_ = 0;
};

}  // namespace belay::message_server
