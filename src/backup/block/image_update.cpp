#include "backup/block/image_update.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// What is read at once. Most chunks are little longer.
constexpr uint64_t update_read_size = 1 << 20;

}  // namespace

ImageUpdate::ImageUpdate(const BlockSource& source, const Extents& used, const ImageParent& parent,
                         const Chunker& chunker, ReadProblem problem, uint64_t long_zeros_from)
    : source_(source),
      used_(used),
      parent_(parent),
      chunker_(chunker),
      problem_(std::move(problem)),
      zero_size_(zero_chunk_size(chunker)),
      long_zero_size_(source.size() >= long_zeros_from ? long_zeros(zero_size_) : zero_size_)
{
}

std::optional<ImagePart> ImageUpdate::next()
{
    if (at_ == source_.size()) return std::nullopt;
    if (const ImageChunk* chunk = unchanged_chunk()) {
        advance(chunk->length);
        return ImagePart{.chunk = nullptr, .stored = chunk->id};
    }
    return cut();
}

/// The chunk of the parent that begins here, if nothing in it has changed.
const ImageChunk* ImageUpdate::unchanged_chunk()
{
    const std::vector<ImageChunk>& chunks = parent_.chunks;
    while (next_chunk_ < chunks.size() && chunks[next_chunk_].offset < at_) ++next_chunk_;
    if (next_chunk_ == chunks.size() || chunks[next_chunk_].offset != at_) return nullptr;
    const Extents& changed = parent_.changed;
    while (next_changed_ < changed.size() && changed[next_changed_].end() <= at_) ++next_changed_;
    const ImageChunk& chunk = chunks[next_chunk_];
    const bool is_changed =
        next_changed_ < changed.size() && changed[next_changed_].offset < at_ + chunk.length;
    return is_changed || chunk.length == 0 ? nullptr : &chunk;
}

/// A chunk of this length is done.
void ImageUpdate::advance(uint64_t length)
{
    const uint64_t end = at_ + length;
    while (next_passed_ < used_.size() && used_[next_passed_].offset < end) {
        const Extent& used = used_[next_passed_];
        bytes_done_ += std::min(used.end(), end) - std::max(used.offset, at_);
        if (used.end() > end) break;
        ++next_passed_;
    }
    at_ = end;
    window_.erase(0, std::min<uint64_t>(length, window_.size()));
}

ImagePart ImageUpdate::cut()
{
    fill(update_read_size);
    if (starts_with_zeros(window_, zero_size_)) {
        uint64_t size = zero_size_;
        if (long_zero_size_ > zero_size_) {
            fill(long_zero_size_);
            if (starts_with_zeros(window_, long_zero_size_)) size = long_zero_size_;
        }
        advance(size);
        return ImagePart{.chunk = nullptr, .zero_size = size};
    }
    size_t length = chunker_.first_chunk(window_);
    // What ends with the window may be no end of a chunk.
    while (length == window_.size() && length < Chunker::max_size && !is_all_in_window()) {
        fill(window_.size() + update_read_size);
        length = chunker_.first_chunk(window_);
    }
    auto chunk = std::make_shared<const std::string>(window_.substr(0, length));
    advance(length);
    return ImagePart{.chunk = std::move(chunk)};
}

/// Makes the window at least so long, or up to the end of the image.
void ImageUpdate::fill(uint64_t length)
{
    length = std::min(length, source_.size() - at_);
    if (window_.size() >= length) return;
    const Extent place{at_ + window_.size(), length - window_.size()};
    const size_t begin = window_.size();
    window_.resize(length, '\0');
    if (!stopped_) read_used(place, window_.data() + begin);
}

/// Reads what is used of a stretch; `buffer` has zeros.
void ImageUpdate::read_used(const Extent& place, char* buffer)
{
    while (next_used_ < used_.size() && used_[next_used_].end() <= place.offset) ++next_used_;
    for (size_t i = next_used_; i < used_.size() && used_[i].offset < place.end(); ++i) {
        const uint64_t from = std::max(used_[i].offset, place.offset);
        const uint64_t to = std::min(used_[i].end(), place.end());
        read_carefully(source_, {from, to - from}, buffer + (from - place.offset), problem_, stopped_);
        bytes_read_ += to - from;
    }
}

}  // namespace belay::backup
