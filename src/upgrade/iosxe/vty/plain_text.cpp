#include "upgrade/iosxe/vty/plain_text.h"

namespace belay::upgrade::iosxe::vty {
namespace {

constexpr unsigned char backspace = 0x08, tabulator = 0x09, escape = 0x1b, bell = 0x07, erased = 0x7f;
constexpr size_t most_arguments = 16;
/// One that is longer is none: what a hostile or broken device sends is not swallowed for ever.
constexpr size_t longest_sequence = 256;

std::string_view without_blanks_at_end(std::string_view line)
{
    const size_t last = line.find_last_not_of(" \t");
    return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

void PlainText::hear(std::string_view bytes, const Finished& finished)
{
    for (const char c : bytes) hear(static_cast<unsigned char>(c), finished);
}

std::string_view PlainText::unfinished() const
{
    return without_blanks_at_end(line_);
}

/// Source: ECMA-48, 5.3 and 5.4 (escape and control sequences), 5.6 (control strings).
void PlainText::hear(unsigned char byte, const Finished& finished)
{
    // A control character in the middle of a sequence is obeyed, as terminals do; an escape begins anew.
    if (within_ != Within::text && ++length_ > longest_sequence) within_ = Within::text;
    switch (within_) {
        case Within::text:
            if (byte < 0x20 || byte == erased) return control(byte, finished);
            return put(static_cast<char>(byte));
        case Within::escape:
            if (byte == '[') {
                within_ = Within::sequence;
                arguments_.clear();
            } else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
                within_ = Within::string;
            } else if (byte >= 0x20 && byte <= 0x2f) {
                within_ = Within::intermediate;
            } else if (byte < 0x20) {
                control(byte, finished);
            } else {
                within_ = Within::text;
            }
            return;
        case Within::intermediate:
            if (byte < 0x20) return control(byte, finished);
            if (byte > 0x2f) within_ = Within::text;
            return;
        case Within::sequence:
            if (byte < 0x20) return control(byte, finished);
            if (byte >= 0x40 && byte <= 0x7e) return end_sequence(byte);
            if (arguments_.size() < most_arguments) arguments_ += static_cast<char>(byte);
            return;
        case Within::string:
            if (byte == bell) within_ = Within::text;
            if (byte == escape) within_ = Within::string_escape;
            return;
        case Within::string_escape:
            within_ = byte == '\\' ? Within::text : Within::string;
            return;
    }
}

void PlainText::put(char c)
{
    if (column_ < line_.size())
        line_[column_] = c;
    else
        line_ += c;
    ++column_;
}

void PlainText::control(unsigned char byte, const Finished& finished)
{
    switch (byte) {
        case '\n':
            finished(unfinished());
            line_.clear();
            column_ = 0;
            break;
        case '\r':
            column_ = 0;
            break;
        case backspace:
            if (column_ > 0) --column_;
            break;
        case tabulator:
            put('\t');
            break;
        case escape:
            within_ = Within::escape;
            length_ = 0;
            break;
        default:
            break;
    }
}

void PlainText::end_sequence(unsigned char last)
{
    within_ = Within::text;
    if (last != 'K') return;
    if (arguments_.empty() || arguments_ == "0") line_.resize(column_);
    if (arguments_ == "2") line_.assign(column_, ' ');
}

}  // namespace belay::upgrade::iosxe::vty
