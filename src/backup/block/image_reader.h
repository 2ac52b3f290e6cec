#pragma once
// A device as the chunks of an image: what a chunker would cut of the whole device with unused blocks as
// zeros, without reading those.

#include "backup/block/block_source.h"
#include "backup/block/extents.h"
#include "backup/pipeline/workers.h"
#include "backup/repository/chunker.h"

#include <atomic>
#include <deque>
#include <future>
#include <optional>

namespace belay::backup {

/// The next part of an image: one chunk, or `count` chunks of zeros that are alike.
struct ImagePart {
    std::shared_ptr<const std::string> chunk;  ///< none: zeros
    uint64_t zero_size = 0;                    ///< bytes of each chunk of zeros
    uint64_t count = 1;
};

/// A stretch that cannot be read. Threads: all that read, at the same time.
using ReadProblem = std::function<void(const Extent& extent, const Error& error)>;

/// Threads: one, which takes the parts in order; workers read ahead for it.
class ImageReader {
  public:
    struct Options {
        size_t read_ahead = 8;  ///< pieces that are read before they are asked for
        /// From this size on chunks of zeros are as large as a chunk may be, and not as small: the list of an
        /// image's chunks would be too long else. They end at the same places.
        uint64_t long_zeros_from = uint64_t{1} << 40;
    };

    /// `used` lies within the source. All outlive this.
    ImageReader(const BlockSource& source, const Extents& used, const Chunker& chunker, Workers& workers,
                ReadProblem problem, Options options);
    /// Waits for what is being read.
    ~ImageReader();
    ImageReader(const ImageReader&) = delete;
    ImageReader& operator=(const ImageReader&) = delete;

    /// Nothing at the end. What cannot be read is told, and zeros.
    std::optional<ImagePart> next();

    /// Nothing more is read; what comes is zeros. Threads: any.
    void stop() { stopped_ = true; }

    /// Bytes of used blocks that have been read, or told. Threads: any.
    uint64_t bytes_read() const { return bytes_read_; }

  private:
    /// A stretch of the image: bytes that are read, or zeros that are not.
    struct Piece {
        Extent place;
        Extents used;  ///< of the place; none: zeros
        std::string bytes = {};
        std::promise<void> read = {};
    };
    using SharedPiece = std::shared_ptr<Piece>;

    SharedPiece cut_piece();
    void read_ahead();
    void read(Piece& piece);
    void read_carefully(const Extent& extent, char* buffer);
    std::optional<ImagePart> next_zeros();
    void fill_window();
    void give_zeros_back();
    std::string_view in_window() const { return std::string_view(window_).substr(window_begin_); }

    const BlockSource& source_;
    const Extents& used_;
    const Chunker& chunker_;
    Workers& workers_;
    ReadProblem problem_;
    Options options_;
    uint64_t zero_size_;       ///< of a chunk of zeros, as it is cut
    uint64_t long_zero_size_;  ///< of a long one

    size_t next_used_ = 0;  ///< the first used extent that no piece has wholly
    uint64_t cut_to_ = 0;   ///< where the next piece begins
    std::deque<std::pair<SharedPiece, std::future<void>>> ahead_;
    std::string window_;  ///< bytes that follow what has been taken
    size_t window_begin_ = 0;
    uint64_t zeros_at_end_ = 0;  ///< of the window, out of the piece of zeros that is in front
    std::atomic<bool> stopped_ = false;
    std::atomic<uint64_t> bytes_read_ = 0;
};

}  // namespace belay::backup
