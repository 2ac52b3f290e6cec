#pragma once
// Long texts made shorter, by zstd.

#include "base/result.h"

#include <string>
#include <string_view>

namespace belay::framework::configuration {

constexpr size_t most_unpacked_bytes = 512 << 20;

/// Errors: failed. Threads: any.
Result<std::string> pack_text(std::string_view text);

/// `what` is for the error: "a packed change of the configuration". Errors: corrupt, where it is none or is
/// longer than most_unpacked_bytes.
Result<std::string> unpack_text(std::string_view packed, std::string_view what);

}  // namespace belay::framework::configuration
