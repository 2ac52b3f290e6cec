// What people ask of the alarms of a site.

#include "daemon/alarm_watch.h"
#include "daemon/own_host.h"
#include "daemon/parameters.h"
#include "daemon/place.h"
#include "host/program.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using framework::alarms::Alarm;
using framework::alarms::AlarmBook;
using framework::alarms::Circumstances;
using framework::alarms::Deed;
using framework::alarms::Mute;
using site::Call;
using site::Reply;

constexpr uint64_t listed_alarms = 200;
constexpr uint64_t most_listed_alarms = 10'000;
constexpr Milliseconds longest_mute = std::chrono::days(366);

Json json_of(const Mute& mute)
{
    Json json = {{"alarm", mute.condition},
                 {"until_ms", mute.until.count()},
                 {"by", mute.by},
                 {"at_ms", mute.at.count()}};
    if (!mute.note.empty()) json["note"] = mute.note;
    return json;
}

Result<void> check_condition(const Circumstances& circumstances, const std::string& name)
{
    if (circumstances.conditions.contains(name)) return {};
    return fail(ErrorKind::not_found, fmt::format("there is no alarm called \"{}\"", name),
                "belay alarms --conditions");
}

std::unexpected<Error> nobody_looks()
{
    return fail(ErrorKind::unavailable, "this belayd does not raise the alarms of the site",
                "start belayd without --no-alarms on the controller that leads it");
}

}  // namespace

Result<Reply> AlarmWatch::list(const Call& call)
{
    Parameters parameters(call.parameters);
    const bool all = TRY(parameters.flag("all", false));
    const uint64_t limit = TRY(parameters.count("limit", listed_alarms));
    const bool conditions = TRY(parameters.flag("conditions", false));
    TRY(parameters.no_other());
    if (limit > most_listed_alarms)
        return fail(ErrorKind::usage, fmt::format("{} alarms at once are too many", limit),
                    fmt::format("a limit of {} at most", most_listed_alarms));
    if (!options_.is_on && !conditions) return nobody_looks();
    AlarmBook book(options_.store());
    std::vector<Alarm> alarms = TRY(all ? book.newest(limit) : book.open());
    const size_t left_out = alarms.size() > limit ? alarms.size() - limit : 0;
    alarms.erase(alarms.begin(), alarms.begin() + static_cast<ptrdiff_t>(left_out));
    Json answer = {{"alarms", alarms}, {"left_out", left_out}, {"mutes", Json::array()}};
    for (const Mute& mute : TRY(book.mutes(options_.wall()))) answer["mutes"].push_back(json_of(mute));
    if (conditions) {
        answer["conditions"] = Json::array();
        for (const auto& [name, condition] : TRY(circumstances()).conditions)
            answer["conditions"].push_back({{"name", name},
                                            {"severity", name_of(condition.severity)},
                                            {"predefined", condition.is_predefined},
                                            {"muted", condition.is_muted},
                                            {"reactions", condition.reactions.size()},
                                            {"description", condition.description}});
    }
    return Reply{std::move(answer), alarm_book_topic};
}

Result<Reply> AlarmWatch::show(const Call& call)
{
    Parameters parameters(call.parameters);
    const uint64_t number = TRY(parameters.count("number", 0));
    TRY(parameters.no_other());
    AlarmBook book(options_.store());
    return Reply{TRY(book.show(number)), alarm_book_topic};
}

Result<Reply> AlarmWatch::acknowledge(const Call& call)
{
    Parameters parameters(call.parameters);
    const uint64_t number = TRY(parameters.count("number", 0));
    const std::string note = TRY(parameters.text("note"));
    TRY(parameters.no_other());
    AlarmBook book(options_.store());
    const Alarm alarm = TRY(book.acknowledge(number, call.caller.user, note, options_.wall()));
    options_.changed();
    return Reply{alarm};
}

Result<Reply> AlarmWatch::mute(const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string condition = TRY(parameters.required_text("alarm"));
    const std::optional<Milliseconds> span = TRY(parameters.span("for_ms"));
    const std::string note = TRY(parameters.text("note"));
    TRY(parameters.no_other());
    if (!span) return fail(ErrorKind::usage, "for_ms says for how long nothing is to be done; 0: no longer");
    if (*span > longest_mute)
        return fail(ErrorKind::usage, fmt::format("an alarm is muted for {} at most", to_text(longest_mute)),
                    fmt::format("belay config edit alarm '{}'", condition));
    TRY(check_condition(TRY(circumstances()), condition));
    const Milliseconds wall = options_.wall();
    const Mute mute{
        .condition = condition, .until = wall + *span, .by = call.caller.user, .note = note, .at = wall};
    AlarmBook book(options_.store());
    TRY(book.mute(mute));
    options_.changed();
    moved();
    return Reply{json_of(mute)};
}

/// What its reactions would do, or, where it is wanted, does it, without an alarm in the book.
Result<Reply> AlarmWatch::try_out(const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("alarm"));
    const bool fire = TRY(parameters.flag("fire", false));
    TRY(parameters.no_other());
    if (fire && call.caller.right < site::Right::operate)
        return std::unexpected(site::not_allowed(call.caller, site::Right::operate));
    if (!leads_) return nobody_looks();
    const Circumstances all = TRY(circumstances());
    TRY(check_condition(all, name));
    const framework::alarms::Condition& condition = all.conditions.at(name);
    const Milliseconds wall = options_.wall();
    const Alarm alarm{
        .number = 0,
        .key = {.condition = name, .host = options_.own_host()},
        .severity = condition.severity,
        .count = 1,
        .first = wall,
        .last = wall,
        .text = fmt::format("a test of the alarm {}, by {}: nothing has happened", name, call.caller.user),
        .description = condition.description};
    Json reactions = Json::array();
    for (const framework::configuration::Id id : condition.reactions) {
        const auto script = all.scripts.find(id);
        if (script == all.scripts.end()) continue;
        const Deed& deed = script->second;
        Json line = {{"name", deed.name}, {"kind", deed.kind}, {"would", reactions_->outlook(alarm, deed)}};
        if (fire) {
            const Result<std::string> done = reactions_->perform(alarm, deed);
            line["state"] = done ? "done" : "failed";
            line["what"] = done ? *done : done.error().what;
        }
        reactions.push_back(std::move(line));
    }
    return Reply{
        {{"alarm", name}, {"severity", name_of(condition.severity)}, {"reactions", std::move(reactions)}}};
}

std::vector<site::Method> AlarmWatch::methods()
{
    using site::Right;
    const auto with = [this](auto method) {
        return [this, method](const Call& call) { return (this->*method)(call); };
    };
    return {{"AlarmList", Right::view, with(&AlarmWatch::list)},
            {"AlarmShow", Right::view, with(&AlarmWatch::show)},
            {"AlarmAcknowledge", Right::operate, with(&AlarmWatch::acknowledge)},
            {"AlarmMute", Right::operate, with(&AlarmWatch::mute)},
            {"AlarmTry", Right::view, with(&AlarmWatch::try_out)}};
}

namespace {

/// A command of a reaction, on this host or on another one of the site.
Result<Reply> run_command(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string host = TRY(parameters.required_text("host"));
    const Milliseconds limit = TRY(parameters.span("limit_ms")).value_or(std::chrono::minutes(1));
    const auto errand = call.parameters.find("errand");
    if (errand == call.parameters.end() || !errand->is_object() || errand->value("kind", Json()) != "command")
        return fail(ErrorKind::usage, "errand is what is to be run, of the kind command");
    constexpr Milliseconds on_the_way = std::chrono::seconds(5);
    if (host != own_name(*services.applications)) {
        if (services.place == nullptr)
            return fail(ErrorKind::not_found, fmt::format("there is no host {}", host), "belay host list");
        return Reply{TRY(services.place->ask_host(host, "HostCommand", call.parameters, call.caller.user,
                                                  limit + on_the_way))};
    }
    const std::string program = host::own_program();
    const std::string said = TRY(site::run_errand(
        services.host, program.substr(0, program.rfind('/')) + "/belayd-react", *errand, limit));
    return Reply{{{"said", said}}};
}

}  // namespace

std::vector<site::Method> alarm_book_methods(const Services& services)
{
    std::vector<site::Method> all;
    // A host of a site has no book: its controller has.
    const bool has_book = services.place == nullptr || services.place->is_controller();
    if (has_book && services.alarms != nullptr) all = services.alarms->methods();
    all.push_back({"HostCommand", site::Right::administer,
                   [&services](const Call& call) { return run_command(services, call); }});
    if (has_book) return all;
    for (const char* name : {"AlarmList", "AlarmShow", "AlarmAcknowledge", "AlarmMute", "AlarmTry"})
        all.push_back({name, site::Right::view, [](const Call&) -> Result<Reply> {
                           return fail(ErrorKind::refused,
                                       "this machine is a host of a site, whose alarms are on its controller",
                                       "the same on the controller, or belay --site NAME ...");
                       }});
    return all;
}

}  // namespace belay::daemon
