#pragma once
// SHA-256 by OpenSSL.

#include <string>
#include <string_view>

namespace belay {

/// 64 hexadecimal digits. Threads: any.
std::string sha256(std::string_view bytes);

}  // namespace belay
