#pragma once
// For tests: how often something is tried at random, and by which seed.

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace belay::backup {

/// What the environment variable says; else `usual`, or `sanitized` where a sanitizer slows all down.
inline size_t how_many(const char* variable, size_t usual, size_t sanitized)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    if (const char* text = std::getenv(variable); text != nullptr) {
        const std::string_view number = text;
        size_t value = 0;
        const char* begin = number.data();
        if (std::from_chars(begin, begin + number.size(), value).ec == std::errc()) return value;
    }
#if defined(BELAY_SANITIZE_ADDRESS) || defined(BELAY_SANITIZE_THREAD)
    static_cast<void>(usual);
    return sanitized;
#else
    static_cast<void>(sanitized);
    return usual;
#endif
}

}  // namespace belay::backup
