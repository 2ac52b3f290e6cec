#pragma once
// The header Range of a request for one part. Source: RFC 9110, section 14.

#include <cstdint>
#include <optional>
#include <string_view>

namespace belay::media {

struct ByteRange {
    uint64_t offset = 0, length = 0;
};

enum class RangeFound : uint8_t {
    whole,  ///< no header, or one that a server may pass over
    part,
    beyond,  ///< nothing of it is there
};

/// What of a file of `size` bytes is asked for.
RangeFound find_range(std::string_view header, uint64_t size, ByteRange& range);

}  // namespace belay::media
