#include "daemon/pairs.h"

#include "daemon/applications.h"
#include "daemon/parameters.h"
#include "framework/configuration/effective.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace belay::daemon {
namespace {

using framework::configuration::Configuration;
using framework::configuration::Object;
using framework::supervision::ApplicationId;
using site::Call;
using site::Reply;

using Clock = std::chrono::steady_clock;

constexpr Milliseconds switch_patience = std::chrono::seconds(15);  // besides what draining takes
constexpr auto between_looks_at_pairs = std::chrono::milliseconds(2);

/// One of the two, as it stands.
struct Side {
    const Object* application = nullptr;
    Json line = Json::object();

    bool serves() const
    {
        const auto pair = line.find("pair");
        return pair != line.end() && pair->is_object() && pair->value("serves", false);
    }
    std::string name() const { return application == nullptr ? "" : application->name; }
};

struct Stand {
    Side primary, backup;

    /// Null: neither does.
    const Side* serving() const
    {
        if (primary.serves()) return &primary;
        return backup.serves() ? &backup : nullptr;
    }
    const Side& other(const Side& side) const { return &side == &primary ? backup : primary; }
};

Side side_of(const Configuration& configuration, const Json& lines, const Object& pair, const char* attribute)
{
    Side side{.application = configuration.find(pair.attributes.value(attribute, ApplicationId{0}))};
    for (const Json& line : lines) {
        if (side.application != nullptr && line.value("id", ApplicationId{0}) == side.application->id)
            side.line = line;
    }
    return side;
}

Stand stand_of(const Configuration& configuration, const Json& lines, const Object& pair)
{
    return {.primary = side_of(configuration, lines, pair, "primary"),
            .backup = side_of(configuration, lines, pair, "backup")};
}

Json side_json(const Side& side)
{
    Json json = side.line;
    json["name"] = side.name();
    if (!json.contains("phase")) json["phase"] = "unknown";
    return json;
}

/// What a person should know of who votes for it; empty: nothing.
std::string problem_of(const Side& side)
{
    const Json pair = side.line.value("pair", Json());
    if (!pair.is_object()) return "";
    if (pair.contains("problem")) return pair.value("problem", "");
    if (const std::string problem = pair.value("address_problem", ""); !problem.empty()) return problem;
    const bool has_no_third = pair.value("hosts", Json::array()).size() == 2;
    return has_no_third ? "it has no third host: where one of the two is lost, the other does not serve" : "";
}

/// How callers fared when it last gave the address of the pair to the other in good order; empty: it has not.
std::string move_of(const Side& side)
{
    const Json pair = side.line.value("pair", Json());
    return pair.is_object() ? pair.value("move", "") : "";
}

Json pairs_of(const ApplicationsEverywhere& everywhere)
{
    Json all = Json::array();
    const auto configuration = everywhere.configuration();
    if (!configuration) return {{"pairs", std::move(all)}};
    const Json lines = everywhere.lines();
    const std::map<int64_t, std::string> problems = everywhere.pair_problems();
    for (const Object* const pair : configuration->of_type("pair")) {
        if (pair->disabled) continue;
        const Stand stand = stand_of(*configuration, lines, *pair);
        const Side* const serving = stand.serving();
        const auto problem = problems.find(pair->id);
        all.push_back(
            {{"name", pair->name},
             {"redundancy", pair->value("redundancy")},
             {"switch_over", pair->value("switch_over")},
             {"lease_ms", pair->value("lease")},
             {"address", pair->text("address")},
             {"serves", serving == nullptr ? Json() : Json(serving->name())},
             {"move", move_of(serving == nullptr ? stand.primary : stand.other(*serving))},
             {"problem", problem == problems.end() ? problem_of(serving == nullptr ? stand.primary : *serving)
                                                   : problem->second},
             {"applications", {side_json(stand.primary), side_json(stand.backup)}}});
    }
    return {{"pairs", std::move(all)}};
}

/// By its own name, or by that of one of its applications.
Result<const Object*> pair_named(const Configuration& configuration, const std::string& name)
{
    const Object* const named = configuration.find("pair", name);
    if (named != nullptr && !named->disabled) return named;
    const Object* const application = configuration.find("application", name);
    const framework::configuration::Pairs pairs(configuration);
    const auto partner = application == nullptr ? std::nullopt : pairs.partner_of(application->id);
    if (partner) return configuration.find(partner->pair);
    return fail(ErrorKind::not_found,
                fmt::format("there is no pair \"{}\", and no application of a pair", name),
                "belay app pairs");
}

struct Switch {
    std::string pair, from, to;  ///< from: empty, nobody serves
};

/// What would be done. Errors: refused.
Result<Switch> switch_of(const Object& pair, const Stand& stand, const std::string& asked)
{
    const Side* const serving = stand.serving();
    // Where nobody serves: the one that was asked for.
    const Side& to = serving != nullptr             ? stand.other(*serving)
                     : stand.backup.name() == asked ? stand.backup
                                                    : stand.primary;
    const std::string phase = to.line.value("phase", "unknown");
    if (phase != "standby" && phase != "started")
        return fail(ErrorKind::refused, fmt::format("\"{}\" cannot serve now: it is {}", to.name(), phase),
                    fmt::format("belay app start '{}'", to.name()));
    return Switch{.pair = pair.name, .from = serving == nullptr ? "" : serving->name(), .to = to.name()};
}

Milliseconds time_to_drain(const Configuration& configuration, const Object& pair)
{
    const Object* const primary = configuration.find(pair.attributes.value("primary", ApplicationId{0}));
    return Milliseconds(primary == nullptr ? 0 : primary->value("drain_timeout").get<int64_t>());
}

Result<Json> switch_over(const ApplicationsEverywhere& everywhere, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("pair"));
    const bool dry_run = TRY(parameters.flag("dry_run", false));
    TRY(parameters.no_other());
    const auto configuration = everywhere.configuration();
    if (!configuration) return fail(ErrorKind::unavailable, "the configuration is not known yet");
    const Object* const pair = TRY(pair_named(*configuration, name));
    const auto stand = [&] { return stand_of(*configuration, everywhere.lines(), *pair); };
    const Milliseconds patience = switch_patience + time_to_drain(*configuration, *pair);
    const Switch wanted = TRY(switch_of(*pair, stand(), name));
    Json answer = {{"pair", wanted.pair}, {"from", wanted.from}, {"to", wanted.to}, {"dry_run", dry_run}};
    if (dry_run) return answer;
    const bool takes_over = wanted.from.empty();
    const Json order = {{"application", takes_over ? wanted.to : wanted.from}, {"take_over", takes_over}};
    const Clock::time_point begun = Clock::now();
    TRY(everywhere.hand({.parameters = order, .more = false, .caller = call.caller}));
    while (true) {
        const Stand now = stand();
        const Side* const serving = now.serving();
        if (serving != nullptr && serving->name() == wanted.to) break;
        if (Clock::now() > begun + patience)
            return fail(ErrorKind::timeout,
                        fmt::format("\"{}\" does not serve after {}", wanted.to, to_text(patience)),
                        "belay app pairs");
        std::this_thread::sleep_for(between_looks_at_pairs);
    }
    answer["took_ms"] = std::chrono::duration_cast<Milliseconds>(Clock::now() - begun).count();
    return answer;
}

PairMember member_of(const Configuration& configuration, const Object& application)
{
    const framework::configuration::Pairs pairs(configuration);
    const Object object = framework::configuration::effective(configuration, pairs, application);
    const Object* const host =
        configuration.find(object.attributes.value("host", framework::configuration::Id{0}));
    return {.application = application.name,
            .host = host == nullptr ? "" : host->name,
            .image = object.text("image"),
            .user = object.text("user")};
}

}  // namespace

Result<PairMember> member_named(const ApplicationsEverywhere& everywhere, const std::string& application)
{
    const auto configuration = everywhere.configuration();
    const Object* const object = configuration ? configuration->find("application", application) : nullptr;
    if (object == nullptr || object->disabled)
        return fail(ErrorKind::not_found, fmt::format("there is no application \"{}\"", application),
                    "belay app list");
    return member_of(*configuration, *object);
}

Result<std::vector<PairMember>> members_of_pair(const ApplicationsEverywhere& everywhere,
                                                const std::string& name)
{
    const auto configuration = everywhere.configuration();
    if (!configuration) return fail(ErrorKind::unavailable, "the configuration is not known yet");
    const Object* const pair = TRY(pair_named(*configuration, name));
    const Stand stand = stand_of(*configuration, everywhere.lines(), *pair);
    std::vector<PairMember> members;
    for (const Side* const side : {&stand.primary, &stand.backup}) {
        if (side->application == nullptr)
            return fail(ErrorKind::not_found,
                        fmt::format("the pair \"{}\" has not both of its applications", name));
        members.push_back(member_of(*configuration, *side->application));
        members.back().serves = side->serves();
    }
    std::ranges::stable_sort(members, {}, &PairMember::serves);
    return members;
}

std::vector<site::Method> pair_methods(const ApplicationsEverywhere& everywhere)
{
    using site::Right;
    const auto list = [everywhere](const Call& call) -> Result<Reply> {
        Parameters parameters(call.parameters);
        TRY(parameters.no_other());
        return Reply{pairs_of(everywhere), applications_topic};
    };
    const auto change = [everywhere](const Call& call) -> Result<Reply> {
        Json answer = TRY(switch_over(everywhere, call));
        return Reply{std::move(answer)};
    };
    return {{"Pairs", Right::view, list}, {"PairSwitch", Right::operate, change}};
}

}  // namespace belay::daemon
