#include "backup/block/image_reader.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// What is read at once. Shorter gaps between used blocks become zeros in a piece.
constexpr uint64_t read_size = 4 << 20;
constexpr uint64_t short_gap = 1 << 20;

}  // namespace

ImageReader::ImageReader(const BlockSource& source, const Extents& used, const Chunker& chunker,
                         Workers& workers, ReadProblem problem, Options options)
    : source_(source),
      used_(used),
      chunker_(chunker),
      workers_(workers),
      problem_(std::move(problem)),
      options_(options),
      zero_size_(zero_chunk_size(chunker))
{
    long_zero_size_ = source.size() >= options.long_zeros_from ? long_zeros(zero_size_) : zero_size_;
}

ImageReader::~ImageReader()
{
    for (auto& [piece, done] : ahead_) done.wait();
}

ImageReader::SharedPiece ImageReader::cut_piece()
{
    auto piece = std::make_shared<Piece>();
    const uint64_t begin = cut_to_;
    uint64_t at = begin;
    while (next_used_ < used_.size() && at - begin < read_size) {
        const Extent& used = used_[next_used_];
        const uint64_t from = std::max(used.offset, at);
        if (from - at >= short_gap) break;
        const uint64_t to = std::min(used.end(), begin + read_size);
        if (from >= to) break;
        piece->used.push_back({from, to - from});
        at = to;
        if (to == used.end()) ++next_used_;
    }
    // Nothing is used from here: zeros up to where something is.
    if (piece->used.empty()) at = next_used_ < used_.size() ? used_[next_used_].offset : source_.size();
    piece->place = {begin, at - begin};
    cut_to_ = at;
    return piece;
}

void ImageReader::read_ahead()
{
    while (ahead_.size() < std::max<size_t>(options_.read_ahead, 1) && cut_to_ < source_.size()) {
        const SharedPiece piece = cut_piece();
        ahead_.emplace_back(piece, piece->read.get_future());
        if (piece->used.empty())
            piece->read.set_value();
        else
            workers_.add(Urgency::file, [this, piece] {
                read(*piece);
                piece->read.set_value();
            });
    }
}

void ImageReader::read(Piece& piece)
{
    piece.bytes.assign(piece.place.length, '\0');
    if (stopped_) return;
    for (const Extent& used : piece.used) {
        char* buffer = piece.bytes.data() + (used.offset - piece.place.offset);
        read_carefully(source_, used, buffer, problem_, stopped_);
        bytes_read_ += used.length;
    }
}

/// Chunks of zeros, where nothing but zeros that nobody reads follows for long enough.
std::optional<ImagePart> ImageReader::next_zeros()
{
    if (window_begin_ < window_.size()) return std::nullopt;
    read_ahead();
    if (ahead_.empty() || !ahead_.front().first->used.empty()) return std::nullopt;
    Extent& place = ahead_.front().first->place;
    const uint64_t size = place.length >= long_zero_size_ ? long_zero_size_ : zero_size_;
    const uint64_t count = place.length / size;
    if (count == 0) return std::nullopt;
    place = {place.offset + count * size, place.length - count * size};
    if (place.length == 0) ahead_.pop_front();
    return ImagePart{nullptr, size, count};
}

/// What is left in the window may be zeros alone that nobody has read: then they need not be bytes.
void ImageReader::give_zeros_back()
{
    const uint64_t left = in_window().size();
    if (left == 0 || left > zeros_at_end_ || ahead_.empty() || !ahead_.front().first->used.empty()) return;
    Extent& place = ahead_.front().first->place;
    place = {place.offset - left, place.length + left};
    window_.clear();
    window_begin_ = 0;
    zeros_at_end_ = 0;
}

/// Puts as many bytes into the window as the longest chunk has, or all that follow; some more of what is read
/// anyway, so that little is moved about.
void ImageReader::fill_window()
{
    window_.erase(0, window_begin_);
    window_begin_ = 0;
    for (;;) {
        read_ahead();
        if (ahead_.empty() || window_.size() >= 3 * Chunker::max_size) return;
        auto& [piece, done] = ahead_.front();
        if (piece->used.empty()) {
            if (window_.size() >= Chunker::max_size) return;
            const uint64_t count = std::min(piece->place.length, Chunker::max_size - window_.size());
            window_.append(count, '\0');
            piece->place = {piece->place.offset + count, piece->place.length - count};
            zeros_at_end_ += count;
            if (piece->place.length > 0) continue;
        } else {
            done.wait();
            window_ += piece->bytes;
        }
        zeros_at_end_ = 0;
        ahead_.pop_front();
    }
}

std::optional<ImagePart> ImageReader::next()
{
    give_zeros_back();
    if (std::optional<ImagePart> zeros = next_zeros()) return zeros;
    if (in_window().size() < Chunker::max_size) fill_window();
    const std::string_view bytes = in_window();
    if (bytes.empty()) return std::nullopt;
    for (const uint64_t size : {long_zero_size_, zero_size_}) {
        if (!starts_with_zeros(bytes, size)) continue;
        window_begin_ += size;
        return ImagePart{nullptr, size, 1};
    }
    const size_t length = chunker_.first_chunk(bytes);
    window_begin_ += length;
    return ImagePart{std::make_shared<const std::string>(bytes.substr(0, length))};
}

}  // namespace belay::backup
