#include "site/reactions/errand.h"

#include "base/base64.h"
#include "base/utf8.h"

#include <algorithm>
#include <ctime>

namespace belay::site {
namespace {

using framework::alarms::Alarm;
using framework::alarms::Deed;

constexpr size_t most_subject = 200;
constexpr size_t longest_plain_line = 900;  ///< of RFC 5322's 998
constexpr size_t line_of_base64 = 76;

std::tm utc_of(Milliseconds at)
{
    const std::time_t seconds = at.count() / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return parts;
}

std::string iso_time(Milliseconds at)
{
    const std::tm parts = utc_of(at);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// RFC 5322, 3.3. Names of days and months are English in any locale.
std::string mail_time(Milliseconds at)
{
    constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::tm parts = utc_of(at);
    return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", days.at(static_cast<size_t>(parts.tm_wday)),
                       parts.tm_mday, months.at(static_cast<size_t>(parts.tm_mon)), parts.tm_year + 1900,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

bool is_plain_sign(char c)
{
    return c >= ' ' && c < 0x7f;
}

/// On one line, and of a length that a person reads.
std::string one_line(std::string_view text, size_t most)
{
    std::string line;
    while (!text.empty() && line.size() < most) {
        const Utf8Character character = first_character(text);
        const bool is_control = static_cast<unsigned char>(text.front()) < ' ' || text.front() == 0x7f;
        if (!character.is_valid)
            line += '?';
        else if (is_control)
            line += ' ';
        else
            line += text.substr(0, character.length);
        text.remove_prefix(character.length);
    }
    return line;
}

bool is_plain_text(std::string_view text)
{
    size_t length = 0;
    for (const char c : text) {
        length = c == '\n' ? 0 : length + 1;
        if (length > longest_plain_line || (c != '\n' && c != '\t' && !is_plain_sign(c))) return false;
    }
    return true;
}

std::string with_crlf(std::string_view text)
{
    std::string lines;
    for (const char c : text) {
        if (c == '\n') lines += '\r';
        lines += c;
    }
    if (!lines.ends_with('\n')) lines += "\r\n";
    return lines;
}

std::string base64_lines(std::string_view text)
{
    const std::string whole = to_base64(text);
    std::string lines;
    for (size_t at = 0; at < whole.size(); at += line_of_base64)
        lines += whole.substr(at, line_of_base64) + "\r\n";
    return lines;
}

}  // namespace

std::map<std::string, std::string, std::less<>> values_of(const Alarm& alarm)
{
    return {{"alarm", alarm.key.condition},
            {"severity", std::string(name_of(alarm.severity))},
            {"host", alarm.key.host},
            {"application", alarm.key.application},
            {"object", alarm.key.object},
            {"text", alarm.text},
            {"count", fmt::format("{}", alarm.count)},
            {"number", fmt::format("{}", alarm.number)},
            {"first", iso_time(alarm.first)},
            {"last", iso_time(alarm.last)},
            {"description", alarm.description}};
}

std::string standard_body(const Alarm& alarm)
{
    std::string body = fmt::format("{}\n\n", alarm.text);
    const auto line = [&](const char* what, const std::string& value) {
        if (!value.empty()) body += fmt::format("{:<12} {}\n", what, value);
    };
    line("alarm", fmt::format("{} {}, {}", alarm.number, alarm.key.condition, name_of(alarm.severity)));
    line("host", alarm.key.host);
    line("application", alarm.key.application);
    line("object", alarm.key.object);
    line("first", iso_time(alarm.first));
    if (alarm.count > 1) line("count", fmt::format("{}", alarm.count));
    line("what to do", alarm.description);
    return body + fmt::format("\nbelay alarm show {0}\nbelay alarm ack {0}\n", alarm.number);
}

std::string encoded_header(std::string_view text)
{
    // The longest part of an encoded word: 75 characters with "=?UTF-8?B?" and "?=" around base64 of it.
    constexpr size_t most_bytes = 45;
    if (std::ranges::all_of(text, is_plain_sign) && text.size() <= line_of_base64 - 12)
        return std::string(text);
    std::string words, part;
    const auto end_word = [&] {
        if (part.empty()) return;
        words += fmt::format("{}=?UTF-8?B?{}?=", words.empty() ? "" : "\r\n ", to_base64(part));
        part.clear();
    };
    while (!text.empty()) {
        const size_t length = std::min<size_t>(first_character(text).length, text.size());
        if (part.size() + length > most_bytes) end_word();
        part += text.substr(0, length);
        text.remove_prefix(length);
    }
    end_word();
    return words;
}

std::string message_of(const Letter& letter)
{
    const std::string domain = letter.from.substr(letter.from.find('@') + 1);
    std::string message = fmt::format("Date: {}\r\nFrom: {}\r\n", mail_time(letter.at), letter.from);
    message += fmt::format("To: {}\r\n", fmt::join(letter.to, ",\r\n "));
    message += fmt::format("Subject: {}\r\n", encoded_header(one_line(letter.subject, most_subject)));
    message += fmt::format("Message-ID: <{}@{}>\r\n", letter.id, domain);
    // Nobody's "I am on holiday" shall come back. Source: RFC 3834.
    message +=
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
    const bool is_plain = is_plain_text(letter.body);
    message += fmt::format("Content-Transfer-Encoding: {}\r\n\r\n", is_plain ? "7bit" : "base64");
    return message + (is_plain ? with_crlf(letter.body) : base64_lines(with_crlf(letter.body)));
}

std::string key_of(const Alarm& alarm, const Deed& deed)
{
    return fmt::format("belay.{}.{}.{}", alarm.first.count(), alarm.number, deed.script);
}

}  // namespace belay::site
