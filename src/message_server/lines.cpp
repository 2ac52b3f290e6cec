#include "message_server/lines.h"

#include <algorithm>

namespace belay::message_server {

void Lines::keep(std::string_view more)
{
    if (skipping_) return;
    const size_t size = begun_.size() + more.size();
    const size_t needed = size > always ? size : 0;
    const bool has_room = size <= longest && (needed <= taken_ || needed - taken_ <= room_.left);
    if (!has_room) {
        ++skipped_;
        forget();
        skipping_ = true;
        return;
    }
    if (needed > taken_) {
        room_.left -= needed - taken_;
        taken_ = needed;
    }
    begun_ += more;
}

void Lines::forget()
{
    give_back();
    skipping_ = false;
    // What a long line took is not held on to.
    if (begun_.capacity() > always) std::string().swap(begun_);
    begun_.clear();
}

void Lines::give_back()
{
    room_.left += std::exchange(taken_, 0);
}

}  // namespace belay::message_server
