#include "framework/solution/moves.h"

#include <algorithm>
#include <array>
#include <fmt/ranges.h>
#include <functional>

namespace belay::framework::solution {
namespace {

using configuration::Object;

constexpr std::array what_names = {"start", "stop", "is so", "stays", "move"};
constexpr std::array whole_names = {"stopped", "starting", "started", "degraded", "impaired", "stopping"};

Phase phase_of(const Phases& phases, Id application)
{
    const auto found = phases.find(application);
    return found == phases.end() ? Phase::stopped : found->second;
}

bool has_process(Phase phase)
{
    return phase != Phase::stopped && phase != Phase::waiting && phase != Phase::failed;
}

/// Whether it is on its way, or there.
bool runs(Phase phase)
{
    return has_process(phase) || phase == Phase::waiting;
}

std::string name_of_object(const Configuration& configuration, Id id)
{
    const Object* const object = configuration.find(id);
    return object == nullptr ? fmt::format("{}", id) : object->name;
}

std::string names_of(const Configuration& configuration, const std::set<Id>& ids)
{
    std::vector<std::string> names;
    for (const Id id : ids) names.push_back(name_of_object(configuration, id));
    return fmt::format("{}", fmt::join(names, ", "));
}

Move move_of(const Configuration& configuration, Id application)
{
    Move move{.application = application, .name = name_of_object(configuration, application)};
    if (const Object* const object = configuration.find(application))
        move.host = name_of_object(configuration, object->attributes.value("host", Id{0}));
    return move;
}

std::set<Id> ids_of(const std::vector<std::pair<Id, bool>>& applications)
{
    std::set<Id> ids;
    for (const auto& [id, mandatory] : applications) ids.insert(id);
    return ids;
}

/// By step; within one as the solution lists them, then the others by name.
void sort(std::vector<Move>& moves, const std::vector<std::pair<Id, bool>>& applications)
{
    const auto place = [&](Id id) {
        return std::ranges::find(applications, id, &std::pair<Id, bool>::first) - applications.begin();
    };
    std::ranges::sort(moves, {}, [&](const Move& move) {
        return std::tuple(move.step, place(move.application), move.name);
    });
}

/// A solution names of a pair the primary; the other one goes with it.
std::set<Id> with_partners(const Needs& needs, std::set<Id> applications)
{
    for (const Id id : std::set<Id>(applications)) {
        if (const Id partner = needs.partner_of(id); partner != 0) applications.insert(partner);
    }
    return applications;
}

/// Numbers the steps from 1, without those in which nothing is moved.
void number_steps(std::vector<Move>& moves)
{
    std::set<size_t> used;
    for (const Move& move : moves) {
        if (move.what == Move::What::start || move.what == Move::What::stop) used.insert(move.step);
    }
    for (Move& move : moves) {
        const bool is_moved = move.what == Move::What::start || move.what == Move::What::stop;
        move.step = is_moved ? static_cast<size_t>(std::distance(used.begin(), used.find(move.step))) + 1 : 0;
    }
}

}  // namespace

std::string_view name_of(Move::What what)
{
    return what_names.at(static_cast<size_t>(what));
}

std::string_view name_of(Whole whole)
{
    return whole_names.at(static_cast<size_t>(whole));
}

std::set<Id> Moves::to_move() const
{
    std::set<Id> ids;
    for (const Move& move : moves) {
        if (move.what == Move::What::start || move.what == Move::What::stop) ids.insert(move.application);
    }
    return ids;
}

Result<std::vector<std::pair<Id, bool>>> applications_of(const Configuration& configuration,
                                                         const std::string& solution)
{
    const Object* const object = configuration.find("solution", solution);
    if (object == nullptr || object->disabled)
        return fail(ErrorKind::not_found, fmt::format("there is no solution \"{}\"", solution),
                    "belay solution list");
    std::vector<std::pair<Id, bool>> applications;
    if (const auto listed = object->attributes.find("applications"); listed != object->attributes.end()) {
        for (const Json& one : *listed)
            applications.emplace_back(one.value("application", Id{0}), one.value("mandatory", true));
    }
    return applications;
}

Moves moves_to_start(const Configuration& configuration, const std::vector<std::pair<Id, bool>>& applications,
                     const Phases& phases)
{
    const Needs needs(configuration);
    const std::set<Id> asked = ids_of(applications);
    Moves result;
    for (const Id id : with_partners(needs, needs.with_needs(asked))) {
        Move move = move_of(configuration, id);
        move.step = needs.level_of(id);
        const auto listed = std::ranges::find(applications, id, &std::pair<Id, bool>::first);
        if (listed != applications.end()) {
            move.mandatory = listed->second;
        } else {
            std::set<Id> by = needs.needed_by(id);
            const std::set<Id> all = needs.with_needs(asked);
            std::erase_if(by, [&](Id other) { return !all.contains(other); });
            const Id partner = needs.partner_of(id);
            move.mandatory = !(by.empty() && partner != 0);
            move.why = move.mandatory ? fmt::format("needed by {}", names_of(configuration, by))
                                      : fmt::format("stands by for {}", names_of(configuration, {partner}));
        }
        move.what = runs(phase_of(phases, id)) ? Move::What::is_so : Move::What::start;
        result.moves.push_back(std::move(move));
    }
    for (const auto& [id, mandatory] : applications) {
        if (!needs.has(id))
            result.remarks.push_back(
                fmt::format("\"{}\" is disabled, and is not started", name_of_object(configuration, id)));
    }
    number_steps(result.moves);
    sort(result.moves, applications);
    return result;
}

Moves moves_to_stop(const Configuration& configuration, const std::vector<std::pair<Id, bool>>& applications,
                    const Phases& phases, bool also_needed)
{
    const Needs needs(configuration);
    const std::set<Id> asked = with_partners(needs, ids_of(applications));
    // Those that run and need one of them, directly or not.
    std::set<Id> all = asked, others;
    std::vector<Id> left(asked.begin(), asked.end());
    while (!left.empty()) {
        const Id id = left.back();
        left.pop_back();
        for (const Id other : needs.needed_by(id)) {
            if (!runs(phase_of(phases, other)) || !all.insert(other).second) continue;
            others.insert(other);
            left.push_back(other);
        }
    }
    size_t highest = 0;
    for (const Id id : all) highest = std::max(highest, needs.level_of(id));
    // What somebody who stays needs has to stay as well, and so on downward.
    std::set<Id> kept;
    if (!also_needed) {
        for (const Id other : needs.with_needs(others)) {
            if (asked.contains(other)) kept.insert(other);
        }
        kept = with_partners(needs, kept);
    }
    Moves result;
    for (const Id id : also_needed ? all : asked) {
        if (!needs.has(id)) continue;
        Move move = move_of(configuration, id);
        // Who stands by goes first: it is not to take over from the other.
        move.step = 2 * (highest - needs.level_of(id)) + (needs.is_backup(id) ? 0 : 1);
        const auto listed = std::ranges::find(applications, id, &std::pair<Id, bool>::first);
        move.mandatory = listed == applications.end() || listed->second;
        move.what = runs(phase_of(phases, id)) ? Move::What::stop : Move::What::is_so;
        const Id partner = needs.partner_of(id);
        if (listed == applications.end())
            move.why = partner != 0 && asked.contains(partner)
                           ? fmt::format("stands by for {}", names_of(configuration, {partner}))
                           : "needs what is to be stopped";
        if (move.what == Move::What::stop && kept.contains(id)) {
            move.what = Move::What::stays;
            std::set<Id> by = needs.needed_by(id);
            std::erase_if(by, [&](Id other) { return !others.contains(other) && !kept.contains(other); });
            move.why = by.empty() ? fmt::format("stands by for {}", names_of(configuration, {partner}))
                                  : fmt::format("needed by {}", names_of(configuration, by));
        }
        result.moves.push_back(std::move(move));
    }
    number_steps(result.moves);
    sort(result.moves, applications);
    return result;
}

namespace {

/// The applications that are configured for a host, by name.
Result<std::vector<std::pair<Id, bool>>> applications_on(const Configuration& configuration,
                                                         const std::string& host)
{
    const Object* const machine = configuration.find("host", host);
    if (machine == nullptr || machine->disabled)
        return fail(ErrorKind::not_found, fmt::format("there is no host \"{}\" in the configuration", host),
                    "belay config get host");
    std::vector<std::pair<Id, bool>> applications;
    for (const Object* const object : configuration.of_type("application")) {
        if (!object->disabled && object->attributes.value("host", Id{0}) == machine->id)
            applications.emplace_back(object->id, true);
    }
    return applications;
}

using Others = std::function<const std::set<Id>&(Id)>;

/// How many of these move one after the other before this one, where it waits for those directly: what is
/// between them on another host does not move.
size_t place_among(const std::set<Id>& moved, Id id, const Others& waits_for)
{
    size_t place = 0;
    for (const Id other : waits_for(id)) {
        if (moved.contains(other)) place = std::max(place, place_among(moved, other, waits_for) + 1);
    }
    return place;
}

/// What is left of these moves when only those of a host are made.
void keep_those_on(Moves& moves, const std::vector<std::pair<Id, bool>>& applications,
                   const Others& waits_for)
{
    const std::set<Id> own = ids_of(applications);
    std::erase_if(moves.moves, [&](const Move& move) { return !own.contains(move.application); });
    const std::set<Id> moved = moves.to_move();
    for (Move& move : moves.moves) {
        if (moved.contains(move.application)) move.step = place_among(moved, move.application, waits_for);
    }
    number_steps(moves.moves);
    sort(moves.moves, applications);
}

}  // namespace

Result<Moves> moves_to_clear(const Configuration& configuration, const std::string& host,
                             const Phases& phases)
{
    const Needs needs(configuration);
    const auto applications = TRY(applications_on(configuration, host));
    const std::set<Id> own = ids_of(applications);
    Moves moves = moves_to_stop(configuration, applications, phases, true);
    for (const Move& move : moves.moves) {
        const bool goes_on = move.what == Move::What::stop && !own.contains(move.application);
        const bool needs_it =
            std::ranges::any_of(needs.of(move.application), [&](Id other) { return own.contains(other); });
        if (goes_on && needs_it)
            moves.remarks.push_back(
                fmt::format("\"{}\" on {} needs something of it, and goes on without", move.name, move.host));
    }
    keep_those_on(moves, applications, [&](Id id) -> const std::set<Id>& { return needs.needed_by(id); });
    return moves;
}

Result<Moves> moves_to_fill(const Configuration& configuration, const std::string& host, const Phases& phases,
                            const std::set<Id>& wanted)
{
    const Needs needs(configuration);
    auto applications = TRY(applications_on(configuration, host));
    std::erase_if(applications, [&](const auto& one) { return !wanted.contains(one.first); });
    Moves moves = moves_to_start(configuration, applications, phases);
    keep_those_on(moves, applications, [&](Id id) -> const std::set<Id>& { return needs.of(id); });
    return moves;
}

Moves moves_to_other(const Configuration& configuration, const std::vector<std::pair<Id, bool>>& applications,
                     const std::map<Id, Serving>& pairs)
{
    const Needs needs(configuration);
    Moves result;
    for (const auto& [id, mandatory] : applications) {
        const auto pair = pairs.find(id);
        const Id serving = pair == pairs.end() ? 0 : pair->second.application;
        Move move = move_of(configuration, serving == 0 ? id : serving);
        move.mandatory = mandatory;
        move.what = Move::What::stays;
        if (needs.partner_of(id) == 0) {
            move.why = "is of no pair";
        } else if (serving == 0) {
            move.why = "neither of its pair serves";
        } else {
            const Move other = move_of(configuration, needs.partner_of(serving));
            const bool can = pair->second.other_ready;
            if (can) move.what = Move::What::move;
            move.step = can ? 1 : 0;
            move.why = can ? fmt::format("{} on {} would serve", other.name, other.host)
                           : fmt::format("{} on {} is not ready to serve", other.name, other.host);
        }
        result.moves.push_back(std::move(move));
    }
    return result;
}

Whole whole_of(const std::vector<std::pair<Id, bool>>& applications, const Phases& phases)
{
    size_t running = 0, started = 0;
    bool starting = false, stopping = false, missing = false, missing_mandatory = false;
    for (const auto& [id, mandatory] : applications) {
        const Phase phase = phase_of(phases, id);
        if (runs(phase)) ++running;
        if (phase == Phase::started) ++started;
        if (phase == Phase::starting || phase == Phase::waiting) starting = true;
        if (phase == Phase::stopping || phase == Phase::suspending) stopping = true;
        const bool is_missing =
            phase != Phase::started && phase != Phase::starting && phase != Phase::waiting;
        missing = missing || is_missing;
        missing_mandatory = missing_mandatory || (is_missing && mandatory);
    }
    if (running == 0 && !missing_mandatory)
        return started == applications.size() ? Whole::started : Whole::stopped;
    if (running == 0) return Whole::stopped;
    if (stopping) return Whole::stopping;
    if (missing_mandatory) return Whole::impaired;
    if (starting) return Whole::starting;
    return missing ? Whole::degraded : Whole::started;
}

}  // namespace belay::framework::solution
