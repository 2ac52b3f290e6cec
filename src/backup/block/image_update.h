#pragma once
// An image of which an earlier one is in the repository: what has not changed since is not read.

#include "backup/block/careful_read.h"
#include "backup/block/image_parts.h"
#include "backup/block/image_plan.h"

namespace belay::backup {

/// The earlier image.
struct ImageParent {
    Id snapshot;                     ///< that it is in
    std::vector<ImageChunk> chunks;  ///< of the same size as the image now
    /// Where the image may differ from it. Everywhere else the very same blocks are used, and hold the same.
    Extents changed;
};

/// The chunks are those that ImageReader cuts: where a chunk begins, the next one depends on nothing that
/// lies before, so a chunk of the parent that begins there, and in which nothing has changed, is the next
/// one. Only of long zeros shorter ones may remain. Behind a change it is read on until chunks begin at the
/// same places again.
class ImageUpdate final : public ImageParts {
  public:
    /// `used` lies within the source. All outlive this.
    ImageUpdate(const BlockSource& source, const Extents& used, const ImageParent& parent,
                const Chunker& chunker, ReadProblem problem,
                uint64_t long_zeros_from = usual_long_zeros_from);

    std::optional<ImagePart> next() override;
    void stop() override { stopped_ = true; }
    uint64_t bytes_read() const override { return bytes_read_; }
    uint64_t bytes_done() const override { return bytes_done_; }

  private:
    const ImageChunk* unchanged_chunk();
    void advance(uint64_t length);
    ImagePart cut();
    void fill(uint64_t length);
    void read_used(const Extent& place, char* buffer);
    bool is_all_in_window() const { return at_ + window_.size() == source_.size(); }

    const BlockSource& source_;
    const Extents& used_;
    const ImageParent& parent_;
    const Chunker& chunker_;
    ReadProblem problem_;
    uint64_t zero_size_, long_zero_size_;

    uint64_t at_ = 0;          ///< where the next chunk begins
    std::string window_;       ///< bytes from there on
    size_t next_chunk_ = 0;    ///< of the parent: the first that does not begin before
    size_t next_changed_ = 0;  ///< the first that does not end before
    size_t next_used_ = 0;     ///< the first that does not end before the end of the window
    size_t next_passed_ = 0;   ///< the first that does not end before
    std::atomic<bool> stopped_ = false;
    std::atomic<uint64_t> bytes_read_ = 0, bytes_done_ = 0;
};

}  // namespace belay::backup
