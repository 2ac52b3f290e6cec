#include "framework/messages/outputs/output_line.h"

#include <algorithm>
#include <ctime>

namespace belay::framework::messages {
namespace {

constexpr Milliseconds year_0{-62'167'219'200'000}, end_of_year_9999{253'402'300'799'999};

void put_escaped(std::string& line, std::string_view text)
{
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            line += "\\n";
        } else if (c == '\\') {
            line += "\\\\";
        } else if (byte < 0x20 || byte == 0x7f) {
            line += fmt::format("\\x{:02x}", byte);
        } else {
            line += c;
        }
    }
}

}  // namespace

std::string rfc3339(Milliseconds at)
{
    const auto whole = std::chrono::floor<std::chrono::seconds>(std::clamp(at, year_0, end_of_year_9999));
    const auto rest = std::clamp(at, year_0, end_of_year_9999) - whole;
    const std::time_t time = whole.count();
    std::tm utc = {};
    ::gmtime_r(&time, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, rest.count());
}

std::string output_line(const Message& message)
{
    std::string line =
        fmt::format("{} {} {} ", rfc3339(message.at), name_of(message.level), to_text(message.id));
    put_escaped(line, message.host);
    line += '/';
    put_escaped(line, message.application);
    line += ": ";
    put_escaped(line, message.text);
    line += '\n';
    return line;
}

}  // namespace belay::framework::messages
