#include "host/encoding.h"

#include "base/base64.h"

namespace belay::host {
namespace {

/// How many bytes the UTF-8 character at the front of `text` has; 0: it is none.
/// Source: RFC 3629, section 4.
size_t character_length(std::string_view text)
{
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                          : first >= 0xe0 && first <= 0xef ? 3
                          : first >= 0xf0 && first <= 0xf4 ? 4
                                                           : 0;
    if (length == 0 || text.size() < length) return 0;
    for (size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    const bool too_high = first == 0xf4 && byte(1) > 0x8f;
    return overlong || surrogate || too_high ? 0 : length;
}

bool is_utf8(std::string_view text)
{
    while (!text.empty()) {
        const size_t length = character_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace

nlohmann::json encode_bytes(std::string_view bytes)
{
    if (is_utf8(bytes)) return bytes;
    return {{"base64", to_base64(bytes)}};
}

Result<std::string> decode_bytes(const nlohmann::json& json)
{
    if (json.is_string()) return json.get<std::string>();
    if (json.is_object() && json.size() == 1 && json.contains("base64") && json["base64"].is_string())
        return from_base64(json["base64"].get<std::string>());
    return fail(ErrorKind::corrupt, "not a text");
}

}  // namespace belay::host
