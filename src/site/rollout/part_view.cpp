#include "site/rollout/part_view.h"

#include "site/rollout/members.h"

namespace belay::site {
namespace {

using operation::Operation;
using operation::State;

constexpr std::string_view unknown_part = "unknown";
constexpr size_t most_differences = 20;

/// Whether the end of its timer would abort it now.
bool timer_counts(const Operation& operation)
{
    switch (operation.state) {
        case State::adding:
        case State::added:
        case State::activating:
        case State::activated:
            return operation.timer && !operation.timer->stopped;
        default:
            return false;
    }
}

State state_in(const Json& json, const char* field)
{
    const Result<State> state = operation::state_named(json.at(field).get<std::string>());
    if (!state) throw Json::other_error::create(501, state.error().what, &json);
    return *state;
}

}  // namespace

void to_json(Json& json, const MemberName& member)
{
    json = {{"id", member.id}, {"name", member.name}};
}

void from_json(const Json& json, MemberName& member)
{
    member = {json.at("id"), json.at("name")};
}

void to_json(Json& json, const PartView& view)
{
    json = {{"key", view.key},
            {"state", view.state ? name_of(*view.state) : unknown_part},
            {"operation", view.operation},
            {"held_in", name_of(view.held_in)},
            {"reason", view.reason},
            {"promised", view.promised},
            {"differences", view.differences}};
    if (view.left) json["left_ms"] = view.left->count();
}

void from_json(const Json& json, PartView& view)
{
    view = {.key = json.at("key"),
            .operation = json.at("operation"),
            .held_in = state_in(json, "held_in"),
            .reason = json.at("reason"),
            .promised = json.at("promised"),
            .differences = json.at("differences").get<std::vector<std::string>>()};
    if (json.at("state") != unknown_part) view.state = state_in(json, "state");
    if (json.contains("left_ms")) view.left = Milliseconds{json.at("left_ms").get<int64_t>()};
}

Result<PartView> part_view_of(operation::Engine& engine, const std::string& key)
{
    PartView part{.key = key};
    const auto adopted = TRY(engine.adopted(key));
    if (!adopted) return part;
    if (!adopted->operation) {
        part.state = State::aborted;
        part.reason = "given up before it came";
        return part;
    }
    const operation::View view = TRY(engine.show(*adopted->operation));
    const Operation& operation = view.operation;
    part.state = operation.state;
    part.operation = operation.id;
    part.held_in = operation.held_in;
    part.reason = operation.reason;
    part.promised = operation.promised;
    if (timer_counts(operation)) part.left = left_of(*operation.timer, *view.seen);
    part.differences = operation.differences;
    if (part.differences.size() > most_differences) part.differences.resize(most_differences);
    return part;
}

}  // namespace belay::site
