#include "backup/backend/limited.h"

#include <algorithm>

namespace belay::backup {
namespace {

void wait_for_all(RateLimit& limit, size_t bytes)
{
    if (!limit.is_limited()) return;
    for (size_t share = 0; bytes > 0; bytes -= share) {
        share = std::min(bytes, RateLimit::largest_share);
        limit.wait_for(share);
    }
}

}  // namespace

Result<void> LimitedBackend::save(const FileName& name, std::string_view content)
{
    wait_for_all(saves_, content.size());
    return place_->save(name, content);
}

Result<std::string> LimitedBackend::load(const FileName& name, uint64_t offset, uint64_t length)
{
    Result<std::string> content = place_->load(name, offset, length);
    if (content) wait_for_all(loads_, content->size());
    return content;
}

}  // namespace belay::backup
