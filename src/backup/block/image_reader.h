#pragma once
// A device as the chunks of an image: what a chunker would cut of the whole device with unused blocks as
// zeros, without reading those.

#include "backup/block/careful_read.h"
#include "backup/block/image_parts.h"
#include "backup/pipeline/workers.h"
#include "backup/repository/chunker.h"

#include <atomic>
#include <deque>
#include <future>

namespace belay::backup {

/// Threads: one, which takes the parts in order; workers read ahead for it.
class ImageReader final : public ImageParts {
  public:
    struct Options {
        size_t read_ahead = 8;  ///< pieces that are read before they are asked for
        uint64_t long_zeros_from = usual_long_zeros_from;
    };

    /// `used` lies within the source. All outlive this.
    ImageReader(const BlockSource& source, const Extents& used, const Chunker& chunker, Workers& workers,
                ReadProblem problem, Options options);
    /// Waits for what is being read.
    ~ImageReader() override;
    ImageReader(const ImageReader&) = delete;
    ImageReader& operator=(const ImageReader&) = delete;

    std::optional<ImagePart> next() override;
    void stop() override { stopped_ = true; }
    uint64_t bytes_read() const override { return bytes_read_; }
    uint64_t bytes_done() const override { return bytes_read_; }

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
