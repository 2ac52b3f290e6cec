#include "backup/pipeline/pieces.h"

namespace belay::backup {
namespace {

/// What is smaller the C library keeps by itself; mallopt(3), M_MMAP_THRESHOLD.
constexpr size_t large = 128 << 10;

}  // namespace

Pieces::Piece Pieces::take(std::string_view begin, size_t room)
{
    const size_t wanted = begin.size() + room;
    if (wanted < large) {
        auto piece = std::make_shared<std::string>();
        piece->reserve(wanted);
        piece->append(begin);
        return piece;
    }
    std::string memory;
    {
        const std::lock_guard lock(spare_->mutex);
        if (!spare_->memory.empty()) {
            memory = std::move(spare_->memory.back());
            spare_->memory.pop_back();
        }
    }
    memory.reserve(wanted);
    memory.clear();
    memory.append(begin);
    return {new std::string(std::move(memory)), [spare = spare_](std::string* piece) {
                const std::unique_ptr<std::string> owned(piece);
                const std::lock_guard lock(spare->mutex);
                spare->memory.push_back(std::move(*owned));
            }};
}

}  // namespace belay::backup
