#include "framework/alarms/alarm.h"

#include <algorithm>
#include <array>

namespace belay::framework::alarms {
namespace {

constexpr std::array<std::string_view, 3> severity_texts = {"critical", "major", "minor"};
constexpr std::array<std::string_view, 3> state_names = {"raised", "acknowledged", "cleared"};
constexpr std::array<std::string_view, 5> stand_names = {"waiting", "doing", "done", "failed", "skipped"};

template <typename T, size_t count>
Result<T> value_named(const std::array<std::string_view, count>& names, const std::string& name)
{
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return fail(ErrorKind::corrupt, fmt::format("an alarm cannot be \"{}\"", name));
    return static_cast<T>(found - names.begin());
}

Json json_of(const Deed& deed)
{
    Json json = {{"name", deed.name},         {"kind", deed.kind},
                 {"script", deed.script},     {"state", name_of(deed.stand)},
                 {"attempts", deed.attempts}, {"at_ms", deed.at.count()}};
    if (deed.next > Milliseconds{0}) json["next_ms"] = deed.next.count();
    if (!deed.by.empty()) json["by"] = deed.by;
    if (!deed.what.empty()) json["what"] = deed.what;
    return json;
}

Result<Deed> deed_from(const Json& json)
{
    Deed deed{.stand = TRY(value_named<Deed::Stand>(stand_names, json.value("state", ""))),
              .script = json.value("script", configuration::Id{0}),
              .name = json.value("name", ""),
              .kind = json.value("kind", ""),
              .attempts = json.value("attempts", uint32_t{0}),
              .at = Milliseconds(json.value("at_ms", int64_t{0})),
              .next = Milliseconds(json.value("next_ms", int64_t{0})),
              .by = json.value("by", ""),
              .what = json.value("what", "")};
    return deed;
}

Result<Alarm> fields_from(const Json& json)
{
    Alarm alarm;
    alarm.number = json.at("number").get<uint64_t>();
    alarm.key = {.condition = json.at("alarm").get<std::string>(),
                 .host = json.value("host", ""),
                 .application = json.value("application", ""),
                 .object = json.value("object", "")};
    alarm.severity = TRY(value_named<Severity>(severity_texts, json.value("severity", "")));
    alarm.state = TRY(value_named<State>(state_names, json.value("state", "")));
    alarm.count = json.value("count", uint64_t{0});
    alarm.first = Milliseconds(json.value("first_ms", int64_t{0}));
    alarm.last = Milliseconds(json.value("last_ms", int64_t{0}));
    alarm.through = json.value("through", uint64_t{0});
    alarm.text = json.value("text", "");
    alarm.description = json.value("description", "");
    alarm.silenced = json.value("silenced", "");
    if (const auto by = json.find("acknowledged"); by != json.end())
        alarm.acknowledged = Alarm::Acknowledgement{.by = by->value("by", ""),
                                                    .note = by->value("note", ""),
                                                    .at = Milliseconds(by->value("at_ms", int64_t{0}))};
    alarm.ended = Milliseconds(json.value("ended_ms", int64_t{0}));
    alarm.why_ended = json.value("why_ended", "");
    for (const Json& one : json.value("reactions", Json::array())) alarm.deeds.push_back(TRY(deed_from(one)));
    return alarm;
}

}  // namespace

std::string_view name_of(State state)
{
    return state_names.at(static_cast<size_t>(state));
}

std::string_view name_of(Deed::Stand stand)
{
    return stand_names.at(static_cast<size_t>(stand));
}

bool Alarm::has_open_deeds() const
{
    return std::ranges::any_of(deeds, &Deed::is_open);
}

void to_json(Json& json, const Alarm& alarm)
{
    json = {{"number", alarm.number},
            {"alarm", alarm.key.condition},
            {"severity", name_of(alarm.severity)},
            {"state", name_of(alarm.state)},
            {"count", alarm.count},
            {"first_ms", alarm.first.count()},
            {"last_ms", alarm.last.count()},
            {"text", alarm.text}};
    const auto put = [&](const char* name, const std::string& text) {
        if (!text.empty()) json[name] = text;
    };
    put("host", alarm.key.host);
    put("application", alarm.key.application);
    put("object", alarm.key.object);
    put("description", alarm.description);
    put("silenced", alarm.silenced);
    put("why_ended", alarm.why_ended);
    if (alarm.through > 0) json["through"] = alarm.through;
    if (alarm.ended > Milliseconds{0}) json["ended_ms"] = alarm.ended.count();
    if (alarm.acknowledged)
        json["acknowledged"] = {{"by", alarm.acknowledged->by},
                                {"note", alarm.acknowledged->note},
                                {"at_ms", alarm.acknowledged->at.count()}};
    if (alarm.deeds.empty()) return;
    Json& reactions = json["reactions"] = Json::array();
    for (const Deed& deed : alarm.deeds) reactions.push_back(json_of(deed));
}

Result<Alarm> alarm_from(const Json& json)
{
    // What a store holds may be anything; a field of another type throws.
    try {
        return fields_from(json);
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt,
                    fmt::format("an alarm is kept that makes no sense: {}", problem.what()));
    }
}

}  // namespace belay::framework::alarms
