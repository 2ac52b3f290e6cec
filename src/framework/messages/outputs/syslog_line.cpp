#include "framework/messages/outputs/syslog_line.h"

#include "framework/messages/outputs/output_line.h"

#include <algorithm>

namespace belay::framework::messages {
namespace {

constexpr size_t longest_host = 255, longest_application = 48, longest_name = 32;
constexpr unsigned severities = 8;

/// Source: RFC 5424, table 2. There is no level below debug, so trace, which leaves its host, is that.
unsigned severity_of(Level level)
{
    constexpr unsigned alert = 1, notice = 5, informational = 6, debug = 7;
    switch (level) {
        case Level::alarm:
            return alert;
        case Level::standard:
            return notice;
        case Level::interaction:
            return informational;
        case Level::trace:
        case Level::debug:
            break;
    }
    return debug;
}

/// Printable US-ASCII without a space; "-" where nothing is left.
std::string header_word(std::string_view text, size_t longest)
{
    std::string word(text.substr(0, longest));
    std::ranges::replace_if(word, [](char c) { return c <= ' ' || c >= 0x7f; }, '_');
    return word.empty() ? "-" : word;
}

void put_parameter(std::string& line, std::string_view name, std::string_view value)
{
    std::string word = header_word(name, longest_name);
    std::ranges::replace_if(word, [](char c) { return c == '=' || c == ']' || c == '"'; }, '_');
    line += fmt::format(" {}=\"", word);
    for (const char c : value) {
        if (c == '"' || c == '\\' || c == ']') line += '\\';
        line += c;
    }
    line += '"';
}

}  // namespace

std::string syslog_line(const Message& message, unsigned facility)
{
    const std::string_view application =
        message.application.empty() ? std::string_view("belay") : std::string_view(message.application);
    std::string line =
        fmt::format("<{}>1 {} {} {} - {} [belay@32473", facility * severities + severity_of(message.level),
                    rfc3339(message.at), header_word(message.host, longest_host),
                    header_word(application, longest_application), to_text(message.id));
    put_parameter(line, "level", name_of(message.level));
    if (!message.application.empty()) put_parameter(line, "application", message.application);
    if (!message.interaction.empty()) put_parameter(line, "interaction", message.interaction);
    if (!message.attributes.empty()) line += "][attributes@32473";
    for (const auto& [name, value] : message.attributes) put_parameter(line, name, value);
    // The mark says that it is UTF-8.
    line += "] \xef\xbb\xbf";
    line += message.text;
    return line;
}

std::string syslog_frame(const Message& message, unsigned facility)
{
    const std::string line = syslog_line(message, facility);
    return fmt::format("{} {}", line.size(), line);
}

}  // namespace belay::framework::messages
