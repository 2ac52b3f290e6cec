#include "cli/message_text.h"

#include "cli/fields.h"

#include <algorithm>

namespace belay::cli {
namespace {

constexpr std::string_view no_id = "00-00000";
constexpr size_t widest_level = std::string_view("interaction").size();
constexpr size_t hanging = 4;

Tone tone_of_level(std::string_view level)
{
    if (level == "alarm") return Tone::bad;
    if (level == "standard") return Tone::plain;
    return level == "interaction" ? Tone::warn : Tone::dim;
}

/// A text of several lines keeps them.
std::string lines_of(const Style& style, std::string_view head, size_t columns, std::string_view text)
{
    std::string lines{head};
    size_t used = columns;
    while (true) {
        const size_t end = text.find('\n');
        lines += wrap(style, clean(style, text.substr(0, end)), used, hanging) + '\n';
        if (end == std::string_view::npos) return lines;
        text.remove_prefix(end + 1);
        if (text.empty()) return lines;
        lines += std::string(hanging, ' ');
        used = hanging;
    }
}

std::string message_text(const Style& style, const Json& message, bool with_host)
{
    const std::string level = text_of(style, message, "level"), id = text_of(style, message, "id");
    const std::string host = text_of(style, message, "host");
    std::string who = text_of(style, message, "application");
    if (who.empty()) who = "Belay";
    if (with_host && !host.empty()) who += " on " + host;
    const Milliseconds at = span_of(message, "at_ms");
    const std::string time = fmt::format("{}.{:03}", style.clock(at), at.count() % 1000);
    const std::string head = fmt::format("{} {} {}: ", paint(style, Tone::dim, time),
                                         paint(style, tone_of_level(level), pad(level, widest_level)),
                                         paint(style, Tone::bold, who));
    std::string text = raw_text(message, "text");
    while (text.ends_with('\n')) text.pop_back();
    if (!id.empty() && id != no_id) text += fmt::format(" ({})", id);
    return lines_of(style, head, time.size() + 1 + widest_level + 1 + columns_of(who) + 2, text);
}

}  // namespace

std::string messages_text(const Style& style, const std::vector<Json>& messages, bool with_host)
{
    const bool several = std::ranges::any_of(messages, [&](const Json& one) {
        return raw_text(one, "host") != raw_text(messages.front(), "host");
    });
    std::string text;
    for (const Json& one : messages) text += message_text(style, one, with_host || several);
    return text;
}

}  // namespace belay::cli
