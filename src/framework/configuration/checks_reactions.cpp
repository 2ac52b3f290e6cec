// Alarms and reactions: what one field says about another, and what a text must look like that somebody else
// reads.

#include "framework/alarms/predefined.h"
#include "framework/configuration/checks_parts.h"
#include "framework/configuration/endpoint.h"

#include <algorithm>
#include <array>

namespace belay::framework::configuration {
namespace {

/// Which of these fields are set.
template <size_t count>
std::vector<std::string> set_of(const Json& table, const std::array<const char*, count>& names)
{
    std::vector<std::string> set;
    for (const char* name : names) {
        if (table.contains(name)) set.emplace_back(name);
    }
    return set;
}

void check_event_id(const Round& round, const Object& alarm, const Json& table, const std::string& pointer)
{
    const auto found = table.find("event");
    if (found == table.end() || !found->is_string()) return;
    const auto id = messages::parse_event_id(found->get_ref<const std::string&>());
    if (!id) round.error(alarm, pointer + "/event", id.error().what);
}

/// Fields that say nothing beside this kind of detection.
void check_beside(const Round& round, const Object& alarm, const Json& detect, const std::string& kind)
{
    const auto refuse = [&](std::initializer_list<const char*> fields, const std::string& beside) {
        for (const char* field : fields) {
            if (detect.contains(field))
                round.error(alarm, fmt::format("/detect/{}", field),
                            fmt::format("\"{}\" says nothing beside \"{}\"", field, beside));
        }
    };
    if (kind != "event") refuse({"count", "within", "missing_for"}, kind);
    if (kind == "event" && detect.contains("missing_for")) refuse({"count", "within"}, "missing_for");
    if (kind != "variable") refuse({"at", "account"}, kind);
    if (kind == "variable") refuse({"hosts"}, kind);
    if (kind != "event") refuse({"applications", "templates"}, kind);
    if (kind != "variable" && kind != "figure") refuse({"rising", "falling", "every"}, kind);
}

void check_threshold(const Round& round, const Object& alarm, const Json& detect, const std::string& kind)
{
    const auto rising = detect.find("rising");
    if (rising == detect.end())
        return round.error(alarm, "/detect",
                           fmt::format("{} watches a {}, and needs \"rising\": from what on it is raised",
                                       title_of(alarm), kind));
    const auto falling = detect.find("falling");
    if (falling != detect.end() && *falling >= *rising)
        round.error(alarm, "/detect/falling",
                    fmt::format("\"falling\" is {}, and less than {} is wanted, at which it is raised",
                                json_text(*falling), json_text(*rising)));
    const bool is_share = kind == "figure" && rising->is_number_integer() &&
                          (rising->get<int64_t>() < 1 || rising->get<int64_t>() > 100);
    if (is_share)
        round.error(alarm, "/detect/rising",
                    fmt::format("\"rising\" is {}, and 1 % to 100 % is possible", json_text(*rising)));
}

void check_variable(const Round& round, const Object& alarm, const Json& detect)
{
    const auto text = [&](const char* name, const char* otherwise) {
        const auto found = detect.find(name);
        return found != detect.end() && found->is_string() ? found->get<std::string>()
                                                           : std::string(otherwise);
    };
    if (!is_oid(text("variable", "")))
        round.error(alarm, "/detect/variable",
                    fmt::format("\"variable\" is \"{}\", and numbers with dots are wanted: write "
                                "\"1.3.6.1.2.1.25.1.5.0\"",
                                text("variable", "")));
    if (const auto endpoint = parse_endpoint(text("at", "127.0.0.1:161")); !endpoint)
        round.error(alarm, "/detect/at", endpoint.error().what);
    if (!detect.contains("account"))
        round.error(alarm, "/detect",
                    fmt::format("{} watches a variable, and needs \"account\": as whom its agent is asked",
                                title_of(alarm)));
}

void check_alarm(const Round& round, const Object& alarm)
{
    const auto found = alarm.attributes.find("detect");
    if (const auto clear = alarm.attributes.find("clear"); clear != alarm.attributes.end())
        check_event_id(round, alarm, *clear, "/clear");
    const bool needs_none = alarms::is_predefined(alarm.name);
    if (found == alarm.attributes.end()) {
        if (!needs_none)
            round.complaints.push_back(
                {.id = alarm.id,
                 .pointer = "/detect",
                 .what = fmt::format("{} needs \"detect\": What raises it.", title_of(alarm)),
                 .missing = true});
        return;
    }
    const std::vector<std::string> kinds = set_of<4>(*found, {"event", "storage", "figure", "variable"});
    if (kinds.empty() && needs_none) return;
    if (kinds.size() != 1)
        return round.error(
            alarm, "/detect",
            kinds.empty() ? fmt::format("{} detects nothing: write one of event, storage, figure, variable",
                                        title_of(alarm))
                          : fmt::format("{} detects {} at the same time: write an alarm for each",
                                        title_of(alarm), fmt::join(kinds, " and ")));
    const std::string& kind = kinds.front();
    check_event_id(round, alarm, *found, "/detect");
    check_beside(round, alarm, *found, kind);
    if (kind == "storage" && found->at("storage").get<std::string>().empty())
        round.error(alarm, "/detect/storage",
                    "\"storage\" is empty: write a code of docs/health.md, or \"*\"");
    if (kind == "figure" || kind == "variable") check_threshold(round, alarm, *found, kind);
    if (kind == "variable") check_variable(round, alarm, *found);
}

void check_script(const Round& round, const Object& script)
{
    const std::string kind = script.text("kind");
    const Json to = script.value("to");
    for (size_t i = 0; kind == "mail" && to.is_array() && i < to.size(); ++i) {
        const auto address = check_mail_address(to[i].get<std::string>());
        if (!address) round.error(script, fmt::format("/to/{}", i), address.error().what);
    }
    if (kind == "mail" && to.is_array() && to.empty())
        round.error(script, "/to", fmt::format("{} has nobody to write to", title_of(script)));
    if (kind == "webhook" && script.attributes.contains("url")) {
        const auto url = check_url(script.text("url"), script.attributes.contains("token"));
        if (!url) round.error(script, "/url", url.error().what);
    }
}

void check_relay(const Round& round, const Object& relay)
{
    if (const auto server = parse_endpoint(relay.text("server"));
        !server && relay.attributes.contains("server"))
        round.error(relay, "/server", server.error().what);
    if (const auto from = check_mail_address(relay.text("from")); !from && relay.attributes.contains("from"))
        round.error(relay, "/from", from.error().what);
    const bool has_account = relay.attributes.contains("account");
    if (has_account != relay.attributes.contains("password"))
        round.error(relay, has_account ? "/account" : "/password",
                    fmt::format("{} has an account or a password, and not the other", title_of(relay)));
    if (has_account && relay.text("tls") == "none")
        round.error(relay, "/tls",
                    fmt::format("{} would send its password in the clear: let tls be starttls or tls",
                                title_of(relay)));
}

}  // namespace

void check_alarms(const Round& round)
{
    for (const Object* alarm : round.configuration.of_type("alarm")) {
        if (round.is_touched(alarm->id)) check_alarm(round, *alarm);
    }
}

void check_reactions(const Round& round)
{
    for (const Object* script : round.configuration.of_type("script")) {
        if (round.is_touched(script->id)) check_script(round, *script);
    }
    for (const Object* relay : round.configuration.of_type("relay")) {
        if (round.is_touched(relay->id)) check_relay(round, *relay);
    }
}

}  // namespace belay::framework::configuration
