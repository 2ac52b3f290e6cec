#pragma once
// Characters of UTF-8 text that may be any bytes.

#include <cstddef>
#include <string_view>

namespace belay {

struct Utf8Character {
    char32_t code = 0xfffd;  ///< the replacement character, where it is not valid
    size_t length = 1;       ///< bytes; of what is not valid, one at a time
    bool is_valid = false;
};

/// The character at the front of `text`, which is not empty. Source: RFC 3629, section 4: no overlong forms,
/// no surrogates.
Utf8Character first_character(std::string_view text);

/// Whether all of it is UTF-8.
bool is_utf8(std::string_view text);

}  // namespace belay
