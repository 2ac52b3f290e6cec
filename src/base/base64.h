#pragma once
// Base64 by OpenSSL.

#include "base/result.h"

#include <string>
#include <string_view>

namespace belay {

/// With padding, without line breaks. Threads: any.
std::string to_base64(std::string_view bytes);

/// Errors: corrupt, unless it is what to_base64 makes of some bytes.
Result<std::string> from_base64(const std::string& text);

}  // namespace belay
