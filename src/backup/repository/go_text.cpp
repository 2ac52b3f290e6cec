#include "backup/repository/go_text.h"

#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <optional>

namespace belay::backup {
namespace {

/// How many characters at the front are written as they are by both forms: most of all text.
size_t plain_length(std::string_view text)
{
    static constexpr std::array<bool, 256> is_plain = [] {
        std::array<bool, 256> all{};
        for (size_t c = 0x20; c < 0x7f; ++c)
            all[c] = std::string_view("\"\\<>&").find(static_cast<char>(c)) == std::string_view::npos;
        return all;
    }();
    size_t length = 0;
    while (length < text.size() && is_plain[static_cast<uint8_t>(text[length])]) ++length;
    return length;
}

/// Spaces, marks of direction and the like beyond ASCII, which strconv.IsPrint does not take for printable.
/// Code points that no version of Unicode has assigned are taken for printable here: a name with one of them
/// is written in another way than restic's, and read the same.
bool is_printable(char32_t code)
{
    struct Range {
        char32_t first, last;
    };
    constexpr std::array ranges = {
        Range{0x80, 0xa0},     Range{0xad, 0xad},     Range{0x600, 0x605},     Range{0x61c, 0x61c},
        Range{0x6dd, 0x6dd},   Range{0x70f, 0x70f},   Range{0x890, 0x891},     Range{0x8e2, 0x8e2},
        Range{0x1680, 0x1680}, Range{0x180e, 0x180e}, Range{0x2000, 0x200f},   Range{0x2028, 0x202f},
        Range{0x205f, 0x206f}, Range{0x3000, 0x3000}, Range{0xe000, 0xf8ff},   Range{0xfeff, 0xfeff},
        Range{0xfff0, 0xfffb}, Range{0xfffe, 0xffff}, Range{0xe0000, 0xe00ff}, Range{0xe01f0, 0x10ffff}};
    if (code < 0x80) return code >= 0x20 && code < 0x7f;
    return std::ranges::none_of(ranges,
                                [&](const Range& one) { return code >= one.first && code <= one.last; });
}

/// What Go writes for a character behind a backslash; 0 where there is no short form.
char short_escape(char32_t code)
{
    constexpr std::string_view codes = "\a\b\f\n\r\t\v\\\"", letters = "abfnrtv\\\"";
    if (code > 0x7f) return 0;
    const size_t at = codes.find(static_cast<char>(code));
    return at == std::string_view::npos ? '\0' : letters[at];
}

/// Takes `digits` digits of a base from the front.
std::optional<uint32_t> take_digits(std::string_view& text, size_t digits, uint32_t base)
{
    if (text.size() < digits) return std::nullopt;
    uint32_t value = 0;
    for (const char c : text.substr(0, digits)) {
        const uint32_t digit = c >= '0' && c <= '9'   ? static_cast<uint32_t>(c - '0')
                               : c >= 'a' && c <= 'f' ? static_cast<uint32_t>(c - 'a') + 10
                               : c >= 'A' && c <= 'F' ? static_cast<uint32_t>(c - 'A') + 10
                                                      : 99;
        if (digit >= base) return std::nullopt;
        value = value * base + digit;
    }
    text.remove_prefix(digits);
    return value;
}

void append_utf8(std::string& out, uint32_t code)
{
    const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
    }
    put(0x80 | (code & 0x3f));
}

/// Takes what follows a backslash; false where it is no escape.
bool take_escape(std::string_view& text, std::string& out)
{
    if (text.empty()) return false;
    const char letter = text.front();
    if (letter >= '0' && letter <= '7') {
        const auto byte = take_digits(text, 3, 8);
        if (!byte || *byte > 0xff) return false;
        out += static_cast<char>(*byte);
        return true;
    }
    text.remove_prefix(1);
    if (letter == 'x') {
        const auto byte = take_digits(text, 2, 16);
        if (byte) out += static_cast<char>(*byte);
        return byte.has_value();
    }
    if (letter == 'u' || letter == 'U') {
        const auto code = take_digits(text, letter == 'u' ? 4 : 8, 16);
        const bool is_character = code && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
        if (is_character) append_utf8(out, *code);
        return is_character;
    }
    constexpr std::string_view letters = "abfnrtv\\\"'", codes = "\a\b\f\n\r\t\v\\\"'";
    const size_t at = letters.find(letter);
    if (at != std::string_view::npos) out += codes[at];
    return at != std::string_view::npos;
}

}  // namespace

void append_go_json(std::string& out, std::string_view text)
{
    out += '"';
    while (true) {
        const size_t plain = plain_length(text);
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        const Utf8Character c = first_character(text);
        const std::string_view bytes = text.substr(0, c.length);
        text.remove_prefix(c.length);
        const bool is_html = c.code == '<' || c.code == '>' || c.code == '&';
        if (c.code == '"' || c.code == '\\' || c.code == '\n' || c.code == '\r' || c.code == '\t') {
            out += '\\';
            out += short_escape(c.code);
        } else if (!c.is_valid || c.code < 0x20 || is_html || c.code == 0x2028 || c.code == 0x2029) {
            out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c.code));
        } else {
            out += bytes;
        }
    }
    out += '"';
}

std::string go_quoted(std::string_view bytes)
{
    std::string out;
    while (true) {
        const size_t plain = plain_length(bytes);
        out += bytes.substr(0, plain);
        bytes.remove_prefix(plain);
        if (bytes.empty()) break;
        const Utf8Character c = first_character(bytes);
        const std::string_view raw = bytes.substr(0, c.length);
        bytes.remove_prefix(c.length);
        const auto code = static_cast<uint32_t>(c.code);
        if (const char letter = c.is_valid ? short_escape(c.code) : '\0'; letter != '\0') {
            out += '\\';
            out += letter;
        } else if (c.is_valid && is_printable(c.code)) {
            out += raw;
        } else if (!c.is_valid || code < 0x20 || code == 0x7f) {
            out += fmt::format("\\x{:02x}", static_cast<uint8_t>(raw.front()));
        } else {
            out += code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
        }
    }
    return out;
}

Result<std::string> go_unquoted(std::string_view text)
{
    std::string out;
    std::string_view rest = text;
    while (!rest.empty()) {
        const size_t plain = std::min(rest.find('\\'), rest.size());
        out += rest.substr(0, plain);
        rest.remove_prefix(plain);
        if (rest.empty()) break;
        rest.remove_prefix(1);
        if (!take_escape(rest, out))
            return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no quoted name", text.substr(0, 80)));
    }
    return out;
}

}  // namespace belay::backup
