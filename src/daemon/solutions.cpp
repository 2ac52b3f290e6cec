#include "daemon/solutions.h"

#include "daemon/applications.h"
#include "daemon/parameters.h"
#include "framework/configuration/effective.h"

namespace belay::daemon {
namespace {

using framework::configuration::Configuration;
using framework::solution::applications_of;
using framework::solution::Move;
using framework::solution::Moves;
using framework::solution::moves_to_start;
using framework::solution::moves_to_stop;
using framework::solution::Phases;
using framework::solution::whole_of;
using framework::supervision::ApplicationId;
using framework::supervision::Phase;
using site::Call;
using site::Reply;

Phases phases_of(const Json& lines)
{
    Phases phases;
    for (const Json& line : lines) {
        const std::string phase = line.value("phase", "");
        for (int number = 0; number <= static_cast<int>(Phase::failed); ++number) {
            if (name_of(static_cast<Phase>(number)) == phase)
                phases[line.value("id", ApplicationId{0})] = static_cast<Phase>(number);
        }
    }
    return phases;
}

/// A pair stands as the one of it that serves.
Phases phases_of_pairs(const Configuration& configuration, const Json& lines)
{
    Phases phases = phases_of(lines);
    const framework::configuration::Pairs pairs(configuration);
    for (const Json& line : lines) {
        if (line.value("role", Json()) != "primary" || line.value("phase", "") != "started") continue;
        const auto partner = pairs.partner_of(line.value("id", ApplicationId{0}));
        if (partner) phases[partner->other] = Phase::started;
    }
    return phases;
}

Json json_of(const Moves& moves)
{
    Json list = Json::array();
    for (const Move& move : moves.moves)
        list.push_back({{"application", move.name},
                        {"host", move.host},
                        {"what", name_of(move.what)},
                        {"step", move.step},
                        {"mandatory", move.mandatory},
                        {"why", move.why}});
    return {{"moves", std::move(list)}, {"remarks", moves.remarks}};
}

Json show(const ApplicationsEverywhere& everywhere)
{
    const auto configuration = everywhere.configuration();
    Json solutions = Json::array();
    if (!configuration) return {{"solutions", std::move(solutions)}};
    const Json lines = everywhere.lines();
    const Phases phases = phases_of_pairs(*configuration, lines);
    for (const auto* const object : configuration->of_type("solution")) {
        const auto applications = applications_of(*configuration, object->name);
        if (!applications) continue;
        Json members = Json::array();
        for (const auto& [id, mandatory] : *applications) {
            const auto line = std::ranges::find_if(lines, [wanted = id](const Json& one) {
                return one.value("id", ApplicationId{0}) == wanted;
            });
            const auto* const application = configuration->find(id);
            Json member = line != lines.end() ? *line : Json{{"phase", "unknown"}};
            member["name"] = application == nullptr ? "" : application->name;
            member["mandatory"] = mandatory;
            members.push_back(std::move(member));
        }
        solutions.push_back({{"name", object->name},
                             {"description", object->text("description")},
                             {"stands", name_of(whole_of(*applications, phases))},
                             {"applications", std::move(members)}});
    }
    return {{"solutions", std::move(solutions)}};
}

/// Of each pair, by its primary.
std::map<ApplicationId, framework::solution::Serving> serving_in(const Configuration& configuration,
                                                                 const Json& lines)
{
    std::map<ApplicationId, framework::solution::Serving> all;
    const framework::configuration::Pairs pairs(configuration);
    std::map<ApplicationId, std::string> phases;
    for (const Json& line : lines) phases[line.value("id", ApplicationId{0})] = line.value("phase", "");
    for (const Json& line : lines) {
        const auto id = line.value("id", ApplicationId{0});
        const auto partner = pairs.partner_of(id);
        if (!partner || line.value("role", Json()) != "primary" || phases[id] != "started") continue;
        const std::string other = phases[partner->other];
        all[partner->is_backup ? partner->other : id] = {
            .application = id, .other_ready = other == "started" || other == "standby"};
    }
    return all;
}

struct AskedMove {
    std::string solution, verb, why;
    bool also_needed = false;
};

Result<AskedMove> read(const Call& call)
{
    Parameters parameters(call.parameters);
    AskedMove asked;
    asked.solution = TRY(parameters.required_text("solution"));
    asked.verb = TRY(parameters.required_text("verb"));
    asked.also_needed = TRY(parameters.flag("also_needed", false));
    asked.why = TRY(parameters.text("why"));
    TRY(parameters.no_other());
    if (asked.verb != "start" && asked.verb != "stop" && asked.verb != "move")
        return fail(ErrorKind::usage, fmt::format("a solution cannot be asked to {}", asked.verb),
                    "start, stop or move");
    return asked;
}

Result<Moves> moves_of(const ApplicationsEverywhere& everywhere, const AskedMove& asked)
{
    const auto configuration = everywhere.configuration();
    if (!configuration) return fail(ErrorKind::unavailable, "the configuration is not known yet");
    const auto applications = TRY(applications_of(*configuration, asked.solution));
    const Json lines = everywhere.lines();
    if (asked.verb == "move")
        return framework::solution::moves_to_other(*configuration, applications,
                                                   serving_in(*configuration, lines));
    const Phases phases = phases_of(lines);
    return asked.verb == "start" ? moves_to_start(*configuration, applications, phases)
                                 : moves_to_stop(*configuration, applications, phases, asked.also_needed);
}

Json start_timeout_of(const ApplicationsEverywhere& everywhere, const std::string& solution)
{
    const auto configuration = everywhere.configuration();
    const auto* const object = configuration ? configuration->find("solution", solution) : nullptr;
    return object == nullptr ? Json() : object->value("start_timeout");
}

Result<Reply> order(const ApplicationsEverywhere& everywhere, const Call& call)
{
    const AskedMove asked = TRY(read(call));
    if (asked.verb == "move")
        return fail(ErrorKind::usage, "a solution is moved pair by pair", "belay app switch-over");
    const Moves moves = TRY(moves_of(everywhere, asked));
    Json answer = json_of(moves);
    if (asked.verb == "start") answer["start_timeout_ms"] = start_timeout_of(everywhere, asked.solution);
    answer["problems"] = Json::array();
    for (const Move& move : moves.moves) {
        if (!moves.to_move().contains(move.application)) continue;
        const Json parameters = {
            {"application", move.name},
            {"want", asked.verb == "start" ? "running" : "stopped"},
            {"why", asked.why.empty() ? fmt::format("{} of the solution {}", asked.verb, asked.solution)
                                      : asked.why}};
        const Result<Json> ordered =
            everywhere.order({.parameters = parameters, .more = false, .caller = call.caller});
        if (ordered && !answer.contains("at_ms")) answer["at_ms"] = ordered->value("at_ms", int64_t{0});
        if (!ordered) answer["problems"].push_back(fmt::format("{}: {}", move.name, ordered.error().what));
    }
    return Reply{std::move(answer)};
}

/// What somebody wants to run there, whether it may now or not.
std::set<ApplicationId> wanted_on(const Json& lines, const std::string& host)
{
    std::set<ApplicationId> wanted;
    for (const Json& line : lines) {
        const bool is_wanted = line.value("wanted_after", line.value("wanted", "")) != "stopped";
        if (is_wanted && line.value("host", "") == host) wanted.insert(line.value("id", ApplicationId{0}));
    }
    return wanted;
}

/// What maintenance would move on a host.
Result<Reply> host_moves(const ApplicationsEverywhere& everywhere, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string host = TRY(parameters.required_text("host"));
    const std::string state = TRY(parameters.required_text("state"));
    TRY(parameters.no_other());
    if (state != "on" && state != "off")
        return fail(ErrorKind::usage, fmt::format("maintenance is on or off, and not \"{}\"", state));
    const auto configuration = everywhere.configuration();
    if (!configuration) return fail(ErrorKind::unavailable, "the configuration is not known yet");
    const Json lines = everywhere.lines();
    if (state == "on")
        return Reply{
            json_of(TRY(framework::solution::moves_to_clear(*configuration, host, phases_of(lines))))};
    return Reply{json_of(TRY(
        framework::solution::moves_to_fill(*configuration, host, phases_of(lines), wanted_on(lines, host))))};
}

}  // namespace

std::vector<site::Method> solution_methods(const ApplicationsEverywhere& everywhere)
{
    using site::Right;
    const auto list = [everywhere](const Call& call) -> Result<Reply> {
        Parameters parameters(call.parameters);
        TRY(parameters.no_other());
        return Reply{show(everywhere), applications_topic};
    };
    const auto moves = [everywhere](const Call& call) -> Result<Reply> {
        const AskedMove asked = TRY(read(call));
        return Reply{json_of(TRY(moves_of(everywhere, asked)))};
    };
    return {
        {"HostMoves", Right::view, [everywhere](const Call& call) { return host_moves(everywhere, call); }},
        {"Solutions", Right::view, list},
        {"SolutionMoves", Right::view, moves},
        {"SolutionOrder", Right::operate,
         [everywhere](const Call& call) { return order(everywhere, call); }}};
}

}  // namespace belay::daemon
