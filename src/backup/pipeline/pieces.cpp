#include "backup/pipeline/pieces.h"

#include "base/invariant.h"

#include <cstring>
#include <sys/mman.h>

namespace belay::backup {

ReadPiece::ReadPiece(size_t before, size_t room)
    : before_(before),
      size_(before + room),
      begin_(before),
      end_(before),
      memory_(std::make_unique_for_overwrite<char[]>(size_))
{
}

void ReadPiece::clear()
{
    const size_t had_before = before_ - begin_;
    begin_ = end_ = before_;
    if (had_before <= much_before) return;
    void* begin = memory_.get();
    size_t room = before_ - much_before;
    constexpr size_t page = 4096;
    if (std::align(page, page, begin, room) == nullptr) return;
    // If the kernel refuses, the memory only stays.
    static_cast<void>(::madvise(begin, room / page * page, MADV_DONTNEED));
}

void ReadPiece::put_before(std::string_view rest)
{
    INVARIANT(begin_ == before_ && rest.size() <= before_);
    if (rest.empty()) return;
    begin_ -= rest.size();
    std::memcpy(memory_.get() + begin_, rest.data(), rest.size());
}

std::shared_ptr<ReadPiece> Pieces::take(size_t room)
{
    // What is in no chunk yet is shorter than the longest chunk. A smaller file has all of it in one piece.
    if (room < size) return std::make_shared<ReadPiece>(0, room);
    std::unique_ptr<ReadPiece> piece;
    {
        const std::lock_guard lock(spare_->mutex);
        if (!spare_->pieces.empty()) {
            piece = std::move(spare_->pieces.back());
            spare_->pieces.pop_back();
        }
    }
    if (!piece) piece = std::make_unique<ReadPiece>(Chunker::max_size, size);
    return {piece.release(), [spare = spare_](ReadPiece* used) {
                std::unique_ptr<ReadPiece> owned(used);
                owned->clear();
                const std::lock_guard lock(spare->mutex);
                spare->pieces.push_back(std::move(owned));
            }};
}

void PieceAhead::read()
{
    is_read_ = true;
    got_ = read_(piece_->room());
    if (got_) piece_->filled(*got_);
}

void PieceAhead::help()
{
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock && !is_read_) read();
}

Result<PieceAhead::Done> PieceAhead::take()
{
    const std::lock_guard lock(mutex_);
    if (!is_read_) read();
    const size_t got = TRY(std::move(got_));
    const bool at_end = got < piece_->room().size();
    return Done{std::move(piece_), at_end};
}

}  // namespace belay::backup
