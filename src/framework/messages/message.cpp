#include "framework/messages/message.h"

#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace belay::framework::messages {
namespace {

constexpr std::array<std::string_view, levels> level_names = {"alarm", "standard", "interaction", "trace",
                                                              "debug"};
constexpr size_t most_event_ids = 10'000;
constexpr std::string_view replacement = "\xef\xbf\xbd";

/// All digits, and no more than `digits` of them.
std::optional<uint32_t> whole_number(std::string_view text, size_t digits)
{
    uint32_t number = 0;
    if (text.empty() || text.size() > digits) return std::nullopt;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Never in the middle of a character.
void cut(std::string& text, size_t most)
{
    if (text.size() <= most) return;
    size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
    text.resize(end);
}

void fit(std::string& text, size_t most)
{
    // A megabyte that is cut anyway need not be looked through.
    if (text.size() > most + 4) text.resize(most + 4);
    if (!is_utf8(text)) {
        std::string valid;
        for (std::string_view rest = text; !rest.empty();) {
            const Utf8Character character = first_character(rest);
            valid += character.is_valid ? rest.substr(0, character.length) : replacement;
            rest.remove_prefix(character.length);
        }
        text = std::move(valid);
    }
    cut(text, most);
}

Result<void> read_text(const Json& json, const char* field, std::string& into)
{
    const auto found = json.find(field);
    if (found == json.end() || found->is_null()) return {};
    if (!found->is_string())
        return fail(ErrorKind::usage, fmt::format("the message's \"{}\" is no text", field));
    into = found->get<std::string>();
    return {};
}

Result<void> read_attributes(const Json& json, Message& message)
{
    const auto found = json.find("attributes");
    if (found == json.end() || found->is_null()) return {};
    if (!found->is_object()) return fail(ErrorKind::usage, "the message's \"attributes\" are no table");
    for (const auto& [name, value] : found->items()) {
        if (message.attributes.size() == MessageLimits::attributes) break;
        message.attributes[name] = value.is_string() ? value.get<std::string>() : json_text(value);
    }
    return {};
}

}  // namespace

std::string_view name_of(Level level)
{
    return level_names.at(static_cast<size_t>(level));
}

Result<Level> level_named(std::string_view name)
{
    const auto found = std::ranges::find(level_names, name);
    if (found == level_names.end())
        return fail(ErrorKind::usage, fmt::format("there is no level \"{}\"; there are {}", name,
                                                  fmt::join(level_names, ", ")));
    return static_cast<Level>(found - level_names.begin());
}

std::string to_text(EventId id)
{
    return fmt::format("{:02}-{:05}", id.component, id.number);
}

Result<EventId> parse_event_id(std::string_view text)
{
    const size_t dash = text.find('-');
    if (dash != std::string_view::npos) {
        const auto component = whole_number(text.substr(0, dash), 2);
        const auto number = whole_number(text.substr(dash + 1), 5);
        if (component && number)
            return EventId{.component = static_cast<uint8_t>(*component), .number = *number};
    }
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is no event id, which has the form NN-NNNNN, as 20-00010", text));
}

Result<std::vector<EventId>> read_event_ids(const Json& json)
{
    if (!json.is_array() || json.size() > most_event_ids)
        return fail(ErrorKind::usage,
                    fmt::format("event ids are a list of at most {} texts", most_event_ids));
    std::vector<EventId> ids;
    for (const Json& one : json) {
        if (!one.is_string()) return fail(ErrorKind::usage, "an event id is a text");
        ids.push_back(TRY(parse_event_id(one.get_ref<const std::string&>())));
    }
    return ids;
}

void to_json(Json& json, const Message& message)
{
    json = {{"id", to_text(message.id)},
            {"level", name_of(message.level)},
            {"at_ms", message.at.count()},
            {"text", message.text}};
    if (!message.host.empty()) json["host"] = message.host;
    if (!message.application.empty()) json["application"] = message.application;
    if (!message.interaction.empty()) json["interaction"] = message.interaction;
    if (!message.attributes.empty()) json["attributes"] = message.attributes;
}

void to_json(Json& json, const StoredMessage& stored)
{
    json = stored.message;
    json["number"] = stored.number;
}

Result<Message> read_message(const Json& json, const Message& otherwise)
{
    if (!json.is_object()) return fail(ErrorKind::usage, "a message is a table");
    Message message = otherwise;
    std::string id, level;
    TRY(read_text(json, "id", id));
    TRY(read_text(json, "level", level));
    TRY(read_text(json, "host", message.host));
    TRY(read_text(json, "application", message.application));
    TRY(read_text(json, "interaction", message.interaction));
    TRY(read_text(json, "text", message.text));
    if (!id.empty()) message.id = TRY(parse_event_id(id));
    if (!level.empty()) message.level = TRY(level_named(level));
    if (const auto at = json.find("at_ms"); at != json.end() && !at->is_null()) {
        if (!at->is_number_integer()) return fail(ErrorKind::usage, "the message's \"at_ms\" is no number");
        message.at = Milliseconds(at->get<int64_t>());
    }
    TRY(read_attributes(json, message));
    fit(message);
    return message;
}

void fit(Message& message)
{
    fit(message.host, MessageLimits::name);
    fit(message.application, MessageLimits::name);
    fit(message.interaction, MessageLimits::name);
    fit(message.text, MessageLimits::text);
    std::map<std::string, std::string> attributes;
    for (auto& [name, value] : message.attributes) {
        if (attributes.size() == MessageLimits::attributes) break;
        std::string fitting = name;
        fit(fitting, MessageLimits::name);
        fit(value, MessageLimits::attribute);
        attributes.emplace(std::move(fitting), std::move(value));
    }
    message.attributes = std::move(attributes);
}

}  // namespace belay::framework::messages
