#include "framework/messages/outputs/otlp_records.h"

namespace belay::framework::messages {
namespace {

/// Source: logs.proto, SeverityNumber.
int severity_number(Level level)
{
    constexpr int trace = 1, debug = 5, info = 9, info2 = 10, error = 17;
    switch (level) {
        case Level::alarm:
            return error;
        case Level::standard:
            return info2;
        case Level::interaction:
            return info;
        case Level::trace:
            return debug;
        case Level::debug:
            break;
    }
    return trace;
}

Json attribute(std::string_view name, std::string_view value)
{
    return {{"key", name}, {"value", {{"stringValue", value}}}};
}

Json record_of(const StoredMessage& stored)
{
    const Message& message = stored.message;
    Json attributes = Json::array({attribute("belay.id", to_text(message.id)),
                                   attribute("belay.number", std::to_string(stored.number))});
    if (!message.interaction.empty())
        attributes.push_back(attribute("belay.interaction", message.interaction));
    for (const auto& [name, value] : message.attributes)
        attributes.push_back(attribute("belay.attribute." + name, value));
    // 64-bit numbers are texts in protobuf's JSON.
    const std::string nanoseconds =
        std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(message.at).count());
    return {{"timeUnixNano", nanoseconds},
            {"observedTimeUnixNano", nanoseconds},
            {"severityNumber", severity_number(message.level)},
            {"severityText", name_of(message.level)},
            {"body", {{"stringValue", message.text}}},
            {"attributes", std::move(attributes)}};
}

}  // namespace

Json otlp_request(std::span<const StoredMessage> messages)
{
    std::map<std::pair<std::string, std::string>, Json> by_origin;
    for (const StoredMessage& stored : messages) {
        Json& records = by_origin[{stored.message.host, stored.message.application}];
        records.push_back(record_of(stored));
    }
    Json resources = Json::array();
    for (auto& [origin, records] : by_origin) {
        Json attributes =
            Json::array({attribute("host.name", origin.first),
                         attribute("service.name", origin.second.empty() ? "belay" : origin.second)});
        resources.push_back(
            {{"resource", {{"attributes", std::move(attributes)}}},
             {"scopeLogs", Json::array({{{"scope", {{"name", "belay"}, {"version", BELAY_VERSION}}},
                                         {"logRecords", std::move(records)}}})}});
    }
    return {{"resourceLogs", std::move(resources)}};
}

}  // namespace belay::framework::messages
