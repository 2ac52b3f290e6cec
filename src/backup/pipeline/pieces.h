#pragma once
// The pieces in which files and streams are read.

#include "backup/repository/chunker.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace belay::backup {

/// Memory for what is read at once, with room before it for what was left of the piece before: so the next
/// piece can be read while one is cut. Threads: one at a time.
class ReadPiece {
  public:
    /// `before` and `room`: bytes.
    ReadPiece(size_t before, size_t room);

    /// To be read into.
    std::span<char> room() { return {memory_.get() + before_, size_ - before_}; }
    /// So much of it was read.
    void filled(size_t count) { end_ = before_ + count; }
    /// Puts what was left of the piece before in front; at most `before` bytes.
    void put_before(std::string_view rest);

    std::string_view bytes() const { return {memory_.get() + begin_, end_ - begin_}; }
    /// Nothing is in it. If there was more before it than is mostly left of a piece, that memory is let go:
    /// runs of zeros have chunks of the largest size, and once it was in use all of it would stay.
    void clear();

  private:
    static constexpr size_t much_before = 2 << 20;

    size_t before_, size_;
    size_t begin_, end_;
    std::unique_ptr<char[]> memory_;
};

/// Memory of large pieces is used again when the last chunk of a piece is saved: to get so much anew from the
/// kernel, which clears it, takes longer than to read what lies in its page cache. Threads: any.
class Pieces {
  public:
    /// As much as is read at once.
    static constexpr size_t size = 4 << 20;

    /// With room for so many bytes; 1..size. It may outlive this.
    std::shared_ptr<ReadPiece> take(size_t room);

  private:
    struct Spare {
        std::mutex mutex;
        std::vector<std::unique_ptr<ReadPiece>> pieces;
    };
    std::shared_ptr<Spare> spare_ = std::make_shared<Spare>();
};

/// The next piece of a file, read by whoever comes to it first: a worker, or the one who needs it. Threads:
/// any.
class PieceAhead {
  public:
    /// Reads into the room, less than it only at the end; how much.
    using Read = std::function<Result<size_t>(std::span<char> room)>;
    struct Done {
        std::shared_ptr<ReadPiece> piece;
        bool at_end = false;
    };

    PieceAhead(std::shared_ptr<ReadPiece> piece, Read read) : piece_(std::move(piece)), read_(std::move(read))
    {
    }

    /// Reads it, unless somebody has begun to.
    void help();
    /// The piece, read by now. To be called once. Errors: those of `read`.
    Result<Done> take();

  private:
    void read();

    std::mutex mutex_;  ///< held while it is read
    std::shared_ptr<ReadPiece> piece_;
    Read read_;
    bool is_read_ = false;
    Result<size_t> got_ = 0;
};

}  // namespace belay::backup
