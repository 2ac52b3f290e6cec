#include "site/media/byte_range.h"

#include <algorithm>
#include <charconv>
#include <memory>

namespace belay::media {
namespace {

std::optional<uint64_t> number(std::string_view text)
{
    uint64_t value = 0;
    const char* const end = std::to_address(text.end());
    const auto read = std::from_chars(std::to_address(text.begin()), end, value);
    if (text.empty() || read.ec != std::errc() || read.ptr != end) return {};
    return value;
}

}  // namespace

RangeFound find_range(std::string_view header, uint64_t size, ByteRange& range)
{
    range = {.offset = 0, .length = size};
    constexpr std::string_view unit = "bytes=";
    if (!header.starts_with(unit)) return RangeFound::whole;
    header.remove_prefix(unit.size());
    const size_t dash = header.find('-');
    if (dash == std::string_view::npos) return RangeFound::whole;
    const std::string_view first_text = header.substr(0, dash), last_text = header.substr(dash + 1);
    const std::optional<uint64_t> first = number(first_text), last = number(last_text);
    // Several parts, or what is no number: the whole is a good answer.
    if ((!first && !first_text.empty()) || (!last && !last_text.empty()) || (!first && !last))
        return RangeFound::whole;
    if (!first) {
        if (*last == 0 || size == 0) return RangeFound::beyond;
        range = {.offset = size - std::min(*last, size), .length = std::min(*last, size)};
        return RangeFound::part;
    }
    if (last && *last < *first) return RangeFound::whole;
    if (*first >= size) return RangeFound::beyond;
    const uint64_t end = last ? std::min(*last, size - 1) : size - 1;
    range = {.offset = *first, .length = end - *first + 1};
    return RangeFound::part;
}

}  // namespace belay::media
