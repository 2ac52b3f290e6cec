#include "framework/alarms/condition.h"

#include "framework/alarms/predefined.h"

#include <algorithm>
#include <array>

namespace belay::framework::alarms {
namespace {

using configuration::Configuration;
using configuration::Id;
using configuration::Object;

constexpr std::array<std::string_view, 3> severity_names = {"critical", "major", "minor"};
/// Below the threshold of a host that it is cleared at, so that one that moves by a little is one alarm.
constexpr int64_t percent_below = 5;

/// A field of `detect`; null: it is not set, and has no standard.
Json detail_of(const Object& alarm, std::string_view field)
{
    return alarm.value(fmt::format("detect.{}", field));
}

std::string detail_text(const Object& alarm, std::string_view field)
{
    const Json value = detail_of(alarm, field);
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::vector<Id> ids_of(const Json& value)
{
    return value.is_array() ? value.get<std::vector<Id>>() : std::vector<Id>();
}

Selection selection_of(const Configuration& configuration, const Object& alarm)
{
    Selection selection;
    for (const Id id : ids_of(detail_of(alarm, "hosts"))) {
        selection.any_host = false;
        if (const Object* host = configuration.find(id)) selection.hosts.insert(host->name);
    }
    for (const Id id : ids_of(detail_of(alarm, "applications"))) {
        selection.any_application = false;
        if (const Object* application = configuration.find(id))
            selection.applications.insert(application->name);
    }
    const std::vector<Id> templates = ids_of(detail_of(alarm, "templates"));
    if (templates.empty()) return selection;
    selection.any_application = false;
    for (const Object* application : configuration.of_type("application")) {
        const Id used = application->attributes.value("template", Id{0});
        if (std::ranges::find(templates, used) != templates.end())
            selection.applications.insert(application->name);
    }
    return selection;
}

std::optional<Threshold> threshold_of(const Object& alarm)
{
    const Json rising = detail_of(alarm, "rising");
    if (!rising.is_number_integer()) return std::nullopt;
    Threshold threshold{.rising = rising.get<int64_t>(), .falling = rising.get<int64_t>()};
    if (threshold.falling != std::numeric_limits<int64_t>::min()) --threshold.falling;
    if (const Json falling = detail_of(alarm, "falling"); falling.is_number_integer())
        threshold.falling = falling.get<int64_t>();
    return threshold;
}

std::optional<Detect> event_of(const Object& alarm)
{
    const auto id = messages::parse_event_id(detail_text(alarm, "event"));
    if (!id) return std::nullopt;
    if (const Json missing = detail_of(alarm, "missing_for"); missing.is_number_integer())
        return EventMissing{.id = *id, .longest = Milliseconds(missing.get<int64_t>())};
    return EventCount{.id = *id,
                      .count = detail_of(alarm, "count").get<uint32_t>(),
                      .within = Milliseconds(detail_of(alarm, "within").get<int64_t>())};
}

std::optional<Detect> detect_of(const Object& alarm)
{
    if (!detail_text(alarm, "event").empty()) return event_of(alarm);
    if (const std::string code = detail_text(alarm, "storage"); !code.empty())
        return StorageCode{.code = code};
    const std::optional<Threshold> threshold = threshold_of(alarm);
    if (!threshold) return std::nullopt;
    if (const std::string figure = detail_text(alarm, "figure"); !figure.empty())
        return Figure{.figure = figure, .everywhere = threshold};
    const std::string oid = detail_text(alarm, "variable");
    if (oid.empty()) return std::nullopt;
    const Json account = detail_of(alarm, "account");
    return Variable{.oid = oid,
                    .agent = detail_text(alarm, "at"),
                    .account = account.is_number_integer() ? account.get<Id>() : 0,
                    .threshold = *threshold};
}

/// What the object says, over what is there without it.
std::optional<Condition> with_object(const Configuration& configuration, const Object& alarm,
                                     std::optional<Condition> before)
{
    Condition condition = before.value_or(Condition{.name = alarm.name});
    if (const auto detect = detect_of(alarm))
        condition.detect = *detect;
    else if (!before)
        return std::nullopt;
    if (const auto severity = severity_named(alarm.text("severity"))) condition.severity = *severity;
    if (const std::string text = alarm.text("description"); !text.empty()) condition.description = text;
    condition.every = Milliseconds(detail_of(alarm, "every").get<int64_t>());
    condition.selection = selection_of(configuration, alarm);
    const Json clear = alarm.value("clear.event");
    const auto event = messages::parse_event_id(clear.is_string() ? clear.get<std::string>() : std::string());
    if (event) condition.clear_event = *event;
    condition.clear_after = Milliseconds(alarm.value("clear.after").get<int64_t>());
    condition.reactions = ids_of(alarm.value("reactions"));
    condition.is_muted = alarm.disabled;
    return condition;
}

/// Those of the hosts themselves, for the predefined condition about that figure.
void take_host_thresholds(const Configuration& configuration, Figure& figure)
{
    for (const Object* host : configuration.of_type("host")) {
        const Json most = host->value("thresholds." + figure.figure);
        if (!most.is_number_integer() || host->disabled) continue;
        const auto rising = most.get<int64_t>();
        figure.on_hosts[host->name] = {.rising = rising,
                                       .falling = std::max<int64_t>(rising - percent_below, 0)};
    }
}

}  // namespace

std::string_view name_of(Severity severity)
{
    return severity_names.at(static_cast<size_t>(severity));
}

Result<Severity> severity_named(std::string_view name)
{
    const auto found = std::ranges::find(severity_names, name);
    if (found == severity_names.end())
        return fail(ErrorKind::usage, fmt::format("there is no severity \"{}\"; there are {}", name,
                                                  fmt::join(severity_names, ", ")));
    return static_cast<Severity>(found - severity_names.begin());
}

bool Selection::fits(std::string_view host, std::string_view application) const
{
    return (any_host || hosts.contains(std::string(host))) &&
           (any_application || applications.contains(std::string(application)));
}

bool StorageCode::fits(std::string_view found) const
{
    if (!code.ends_with('*')) return found == code;
    return found.starts_with(std::string_view(code).substr(0, code.size() - 1));
}

const Threshold* Figure::on(const std::string& host) const
{
    if (const auto found = on_hosts.find(host); found != on_hosts.end()) return &found->second;
    return everywhere ? &*everywhere : nullptr;
}

std::vector<Condition> conditions_of(const Configuration& configuration)
{
    std::map<std::string, Condition> all;
    for (Condition& condition : predefined_conditions()) {
        if (auto* const figure = std::get_if<Figure>(&condition.detect))
            take_host_thresholds(configuration, *figure);
        all.emplace(condition.name, std::move(condition));
    }
    for (const Object* alarm : configuration.of_type("alarm")) {
        const auto before = all.find(alarm->name);
        auto condition = with_object(configuration, *alarm,
                                     before == all.end() ? std::nullopt : std::optional(before->second));
        if (condition) all.insert_or_assign(alarm->name, std::move(*condition));
    }
    std::vector<Condition> conditions;
    for (auto& [name, condition] : all) conditions.push_back(std::move(condition));
    return conditions;
}

std::set<std::string> hosts_in_maintenance(const Configuration& configuration)
{
    std::set<std::string> hosts;
    for (const Object* host : configuration.of_type("host")) {
        if (host->value("maintenance").get<bool>()) hosts.insert(host->name);
    }
    return hosts;
}

}  // namespace belay::framework::alarms
