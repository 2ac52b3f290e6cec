#include "operation/operation.h"

#include "base/invariant.h"
#include "base/json.h"

namespace belay::operation {
namespace {

/// Begun, and not undone.
bool is_open(const StepState& step)
{
    return step.status == StepState::Status::intended || step.status == StepState::Status::done;
}

constexpr std::string_view event_names[] = {"planned", "state",    "checked",   "intent",
                                            "outcome", "failed",   "restoring", "undone",
                                            "timer",   "verified", "left",      "promised"};
constexpr size_t most_key_bytes = 200;

Event event_named(const std::string& name)
{
    for (size_t i = 0; i < std::size(event_names); ++i) {
        if (event_names[i] == name) return static_cast<Event>(i);
    }
    throw Json::other_error::create(501, "no event is called " + name, nullptr);
}

std::string_view meaning_of(Verb verb, State held_in)
{
    switch (verb) {
        case Verb::add:
            return "prepare; the service and its data are not touched";
        case Verb::activate:
            return held_in == State::held ? "try the step again" : "switch to the new, under the abort timer";
        case Verb::commit:
            return held_in == State::held ? "go on to the end: try again, and let the old go"
                                          : "let the old go; there is no way back after it";
        case Verb::abort:
            return held_in == State::held ? "try to go back again" : "go back to what was before";
        case Verb::clear:
            return "give up: leave everything as it is, say what is left behind, free the locks";
        case Verb::timer:
            return "stop, restart or extend the abort timer";
    }
    return {};
}

/// The state in which the engine works on what a verb asks for.
State work_of(Verb verb)
{
    switch (verb) {
        case Verb::add:
            return State::adding;
        case Verb::activate:
            return State::activating;
        case Verb::commit:
            return State::committing;
        case Verb::abort:
            return State::aborting;
        case Verb::clear:
        case Verb::timer:
            break;
    }
    return State::held;
}

/// Whether a verb leads on in the direction in which a held operation was going. What was held in its soak
/// goes on to the commit: its switch is done.
bool leads_on(Verb verb, State held_in)
{
    if (verb == Verb::abort || verb == Verb::clear) return true;
    return work_of(verb) == (held_in == State::activated ? State::committing : held_in);
}

std::string command_of(Verb verb, const Id& id)
{
    return fmt::format("belay {} {}", name_of(verb), id);
}

}  // namespace

void to_json(Json& json, const Part& part)
{
    json = {{"key", part.key}, {"site", part.site}, {"operation", part.operation}};
}

void from_json(const Json& json, Part& part)
{
    part = {json.at("key"), json.at("site"), json.at("operation")};
}

Result<void> validate(const Part& part)
{
    const bool visible = std::ranges::all_of(part.key, [](char c) { return c > ' ' && c < '\x7f'; });
    if (part.key.empty() || part.key.size() > most_key_bytes || !visible)
        return fail(ErrorKind::usage,
                    fmt::format("the key of a part has 1 to {} visible ASCII characters", most_key_bytes));
    return {};
}

std::string_view name_of(Event event)
{
    return event_names[static_cast<size_t>(event)];
}

void to_json(Json& json, const Record& record)
{
    json = {{"number", record.number},
            {"at_ms", record.at.count()},
            {"event", name_of(record.event)},
            {"detail", record.detail}};
}

void from_json(const Json& json, Record& record)
{
    record = {json.at("number"), Milliseconds{json.at("at_ms").get<int64_t>()}, event_named(json.at("event")),
              json.at("detail")};
}

std::string_view name_of(StepState::Status status)
{
    constexpr std::string_view names[] = {"pending", "intended", "done", "already", "undone"};
    return names[static_cast<size_t>(status)];
}

void to_json(Json& json, const Checked& checked)
{
    json = {{"code", checked.code},
            {"title", checked.title},
            {"verdict", name_of(checked.finding.verdict)},
            {"found", checked.finding.found},
            {"wanted", checked.finding.wanted},
            {"mend", checked.finding.mend}};
}

void from_json(const Json& json, Checked& checked)
{
    checked.code = json.at("code");
    checked.title = json.at("title");
    const std::string verdict = json.at("verdict");
    checked.finding.verdict = verdict == "pass"   ? Verdict::pass
                              : verdict == "warn" ? Verdict::warn
                                                  : Verdict::fail;
    checked.finding.found = json.at("found");
    checked.finding.wanted = json.at("wanted");
    checked.finding.mend = json.at("mend");
}

bool any_failed(const std::vector<Checked>& findings)
{
    return std::ranges::any_of(findings, [](const Checked& c) { return c.finding.verdict == Verdict::fail; });
}

Result<void> Operation::take(const Record& record)
{
    if (record.number != next_number)
        return fail(ErrorKind::corrupt,
                    fmt::format("the journal of operation {} lacks its record {}", id, next_number));
    const bool about_a_step = record.event == Event::intent || record.event == Event::outcome ||
                              record.event == Event::restoring || record.event == Event::failed ||
                              record.event == Event::undone;
    if (about_a_step != record.detail.contains("step") ||
        (record.event == Event::planned) != (record.number == 0))
        return fail(ErrorKind::corrupt,
                    fmt::format("record {} of operation {} makes no sense", record.number, id));
    try {
        const Json& detail = record.detail;
        StepState* step = nullptr;
        if (detail.contains("step")) {
            const std::string name = detail.at("step");
            const auto found = std::ranges::find(plan.steps, name, &Step::name);
            if (found == plan.steps.end())
                return fail(
                    ErrorKind::corrupt,
                    fmt::format("operation {} has a record of the step {}, which its plan lacks", id, name));
            step = &steps[static_cast<size_t>(found - plan.steps.begin())];
        }
        INVARIANT(step != nullptr || !about_a_step);
        switch (record.event) {
            case Event::planned:
                steps.assign(plan.steps.size(), {});
                asked_by = {detail.at("who"), detail.at("origin"), detail.at("why")};
                created = record.at;
                one_shot = detail.at("one_shot");
                soak = Milliseconds{detail.at("soak_ms").get<int64_t>()};
                before = detail.at("before").get<Fingerprint>();
                if (detail.contains("part")) part = detail.at("part").get<Part>();
                transitions.push_back({State::planned, record.at, asked_by.user, asked_by.why});
                break;
            case Event::state: {
                const auto to = state_named(detail.at("to").get<std::string>());
                if (!to) return std::unexpected(to.error());
                if (*to == State::held) held_in = state == State::held ? held_in : state;
                state = *to;
                reason = detail.value("reason", "");
                transitions.push_back({state, record.at, detail.value("who", ""), reason});
                break;
            }
            case Event::checked:
                findings = detail.at("findings").get<std::vector<Checked>>();
                break;
            case Event::intent:
                step->status = StepState::Status::intended;
                step->started = record.at;
                step->error.reset();
                step->restoring = false;
                step->proof = detail.value("before", Fingerprint{});
                break;
            case Event::restoring:
                step->restoring = true;
                break;
            case Event::outcome:
                step->status =
                    detail.at("already").get<bool>() ? StepState::Status::already : StepState::Status::done;
                if (step->started == Milliseconds{0}) step->started = record.at;
                step->ended = record.at;
                step->detail = detail.value("detail", "");
                step->error.reset();
                break;
            case Event::failed:
                step->error = detail.at("error").get<Error>();
                break;
            case Event::undone:
                step->status = StepState::Status::undone;
                step->ended = record.at;
                step->detail = detail.value("detail", "");
                break;
            case Event::timer:
                timer = detail.get<Timer>();
                break;
            case Event::verified:
                verified = true;
                differences = detail.at("differences").get<std::vector<std::string>>();
                break;
            case Event::left:
                cleared = true;
                left_behind = detail.at("behind").get<std::vector<std::string>>();
                break;
            case Event::promised:
                promised = detail.at("promised");
                reason = detail.at("reason");
                transitions.push_back({state, record.at, detail.value("who", ""), reason});
                break;
        }
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("record {} of operation {} makes no sense: {}",
                                                    record.number, id, problem.what()));
    }
    ++next_number;
    return {};
}

std::optional<size_t> Operation::last_open() const
{
    for (size_t i = steps.size(); i-- > 0;) {
        if (is_open(steps[i])) return i;
    }
    return std::nullopt;
}

std::optional<size_t> Operation::past_one_way() const
{
    for (size_t i = 0; i < plan.steps.size(); ++i) {
        if (is_open(steps[i]) && !plan.steps[i].one_way.empty()) return i;
    }
    return std::nullopt;
}

std::optional<Error> Operation::refusal(Verb verb) const
{
    const auto refuse = [&](std::string why) {
        std::string leads;
        for (const WayOn& way : ways_on()) leads += (leads.empty() ? "" : " or ") + way.command;
        return Error{.kind = ErrorKind::refused,
                     .what = fmt::format("operation {} cannot be asked to {}: {}", id, name_of(verb), why),
                     .next = leads.empty() ? fmt::format("belay show {}", id) : leads};
    };
    // The timer of a part runs before activate, too.
    const bool early_timer =
        verb == Verb::timer && timer && (state == State::adding || state == State::added);
    if (!has_meaning(state, verb) && !early_timer) return refuse(fmt::format("it is {}", name_of(state)));
    if (state == State::held && !leads_on(verb, held_in))
        return refuse(fmt::format("it is held while {}", name_of(held_in)));
    if (verb == Verb::abort) {
        if (const auto one_way = past_one_way())
            return refuse(fmt::format("the step {} cannot be undone: {}", plan.steps[*one_way].name,
                                      plan.steps[*one_way].one_way));
    }
    if (verb == Verb::timer && !timer) return refuse("its timer has not started");
    if (verb == Verb::timer && promised) return refuse(reason);
    return std::nullopt;
}

std::vector<WayOn> Operation::ways_on() const
{
    std::vector<WayOn> ways;
    for (const Verb verb : {Verb::add, Verb::activate, Verb::commit, Verb::abort, Verb::clear}) {
        if (!has_meaning(state, verb)) continue;
        if (state == State::held && !leads_on(verb, held_in)) continue;
        if (verb == Verb::abort && past_one_way()) continue;
        std::string meaning(meaning_of(verb, state));
        if (part)
            meaning += fmt::format("; its site decides that by its operation {}, and this is by hand",
                                   part->operation);
        ways.push_back({verb, command_of(verb, id), std::move(meaning)});
    }
    // While it works by itself the way on is to watch it.
    if (ways.empty() && !is_ended(state))
        ways.push_back({Verb::timer, "belay show " + id, "it goes on by itself; watch it"});
    return ways;
}

void to_json(Json& json, const Operation& operation)
{
    Json steps = Json::array();
    for (size_t i = 0; i < operation.plan.steps.size(); ++i) {
        const StepState& state = operation.steps[i];
        Json step = operation.plan.steps[i];
        step["status"] = name_of(state.status);
        step["started_ms"] = state.started.count();
        step["ended_ms"] = state.ended.count();
        step["detail"] = state.detail;
        if (state.restoring) step["restoring"] = true;
        if (state.error) step["error"] = *state.error;
        steps.push_back(std::move(step));
    }
    Json transitions = Json::array();
    for (const Transition& transition : operation.transitions)
        transitions.push_back({{"to", name_of(transition.to)},
                               {"at_ms", transition.at.count()},
                               {"who", transition.who},
                               {"reason", transition.reason}});
    Json ways = Json::array();
    for (const WayOn& way : operation.ways_on())
        ways.push_back({{"command", way.command}, {"meaning", way.meaning}});
    Json plan = operation.plan;
    plan.erase("steps");
    json = {{"id", operation.id},
            {"procedure", operation.plan.procedure},
            {"title", operation.plan.title},
            {"state", name_of(operation.state)},
            {"reason", operation.reason},
            {"who", operation.asked_by.user},
            {"origin", operation.asked_by.origin},
            {"why", operation.asked_by.why},
            {"created_ms", operation.created.count()},
            {"one_shot", operation.one_shot},
            {"plan", std::move(plan)},
            {"steps", std::move(steps)},
            {"findings", operation.findings},
            {"transitions", std::move(transitions)},
            {"ways_on", std::move(ways)},
            {"verified", operation.verified},
            {"differences", operation.differences},
            {"cleared", operation.cleared},
            {"left_behind", operation.left_behind}};
    if (operation.state == State::held) json["held_in"] = name_of(operation.held_in);
    if (operation.timer) json["timer"] = *operation.timer;
    if (operation.part) {
        json["part"] = *operation.part;
        json["part"]["promised"] = operation.promised;
    }
}

}  // namespace belay::operation
