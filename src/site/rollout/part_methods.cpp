#include "site/rollout/part_methods.h"

#include "site/rollout/part_view.h"

#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace belay::site {
namespace {

using operation::Asker;
using operation::Engine;
using operation::Id;
using operation::Part;
using operation::State;
using operation::Verb;

constexpr Milliseconds longest_keep = std::chrono::hours(24 * 3653);

constexpr size_t most_ended = 1000;

/// What the methods share.
struct Here {
    Engine& engine;
    std::function<void(const Id&)> wake;
    std::mutex mutex = {};
    /// Those that have ended change no more, and to read one from the journal each time that the controller
    /// asks would be much for a host that waits for the others.
    std::map<std::string, PartView> ended = {};

    Result<PartView> view_of(const std::string& key);
};

Result<PartView> Here::view_of(const std::string& key)
{
    {
        const std::lock_guard lock(mutex);
        if (const auto found = ended.find(key); found != ended.end()) return found->second;
    }
    PartView view = TRY(part_view_of(engine, key));
    if (view.state && operation::is_ended(*view.state)) {
        const std::lock_guard lock(mutex);
        if (ended.size() >= most_ended) ended.clear();
        ended.insert_or_assign(key, view);
    }
    return view;
}

Result<std::string> part_text(const Json& parameters, const char* name, bool required)
{
    const auto found = parameters.find(name);
    const bool absent = found == parameters.end() || found->is_null();
    if (absent && !required) return std::string();
    if (absent || !found->is_string() || (required && found->get_ref<const std::string&>().empty()))
        return fail(ErrorKind::usage, fmt::format("the parameter {} is not a text", name));
    return found->get<std::string>();
}

Result<void> no_parameter_but(const Json& parameters, const std::set<std::string_view>& known)
{
    for (const auto& [name, value] : parameters.items()) {
        if (!known.contains(name))
            return fail(ErrorKind::usage, fmt::format("no parameter of this method is called {}", name),
                        "docs/protocol.md says what it takes");
    }
    return {};
}

Result<Milliseconds> keep_span(const Json& parameters)
{
    const auto found = parameters.find("keep_ms");
    const int64_t span = found != parameters.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
    if (span < 0 || span > longest_keep.count())
        return fail(ErrorKind::usage, "the parameter keep_ms is not a number of milliseconds");
    return Milliseconds{span};
}

Asker part_asker(const Call& call, std::string why)
{
    return {call.caller.user, call.caller.origin, std::move(why)};
}

Result<Reply> adopt_part(Here& here, const Call& call)
{
    TRY(no_parameter_but(call.parameters, {"key", "site", "operation", "plan", "why"}));
    Part part;
    part.key = TRY(part_text(call.parameters, "key", true));
    part.site = TRY(part_text(call.parameters, "site", true));
    part.operation = TRY(part_text(call.parameters, "operation", true));
    std::string why = TRY(part_text(call.parameters, "why", false));
    const auto plan = from_json_value<operation::Plan>(call.parameters.value("plan", Json()));
    if (!plan)
        return fail(ErrorKind::usage, fmt::format("the parameter plan is no plan: {}", plan.error().what));
    TRY(here.engine.adopt(*plan, part, part_asker(call, std::move(why))));
    const PartView view = TRY(here.view_of(part.key));
    return Reply{view};
}

/// What is asked for is there already, or is on its way.
bool is_past(const PartView& part, std::string_view verb)
{
    const State state = *part.state;
    if (verb == "add") return state != State::planned;
    if (verb == "activate") return state != State::added;
    if (verb == "promise") return state == State::committing || state == State::committed;
    if (verb == "commit") return state == State::committing || state == State::committed;
    if (verb == "abort") return state == State::aborting || operation::is_ended(state);
    return false;
}

Result<void> request_of_part(Here& here, const PartView& part, const std::string& verb,
                             const Json& parameters, const Asker& asker)
{
    Engine& engine = here.engine;
    const Id& id = part.operation;
    if (is_past(part, verb)) return {};
    if (verb == "promise") {
        TRY(engine.promise(id, asker));
    } else if (verb == "release") {
        const Milliseconds left = TRY(keep_span(parameters));
        TRY(engine.release(id, left, asker));
    } else if (verb == "keep") {
        const Milliseconds left = TRY(keep_span(parameters));
        TRY(engine.keep_going(id, left, asker));
    } else if (verb == "commit") {
        if (!part.promised)
            return fail(ErrorKind::refused,
                        fmt::format("operation {} has not promised to stay as it is, so its site does not "
                                    "commit it",
                                    id),
                        "belay show " + id);
        TRY(engine.request(id, Verb::commit, asker));
    } else {
        const Verb asked = TRY(operation::verb_named(verb));
        if (asked != Verb::add && asked != Verb::activate && asked != Verb::abort)
            return fail(ErrorKind::usage, fmt::format("a part cannot be asked to {}", verb));
        TRY(engine.request(id, asked, asker));
    }
    return {};
}

Result<Reply> request_part(Here& here, const Call& call)
{
    TRY(no_parameter_but(call.parameters, {"key", "verb", "keep_ms", "why"}));
    const std::string key = TRY(part_text(call.parameters, "key", true));
    const std::string verb = TRY(part_text(call.parameters, "verb", true));
    const Asker asker = part_asker(call, TRY(part_text(call.parameters, "why", false)));
    PartView part = TRY(here.view_of(key));
    if (!part.state && verb == "abort") {
        // Should it come after all, late, it is refused. One that comes just now is aborted as what it is.
        const Result<void> given_up = here.engine.give_up(key, asker);
        if (!given_up && given_up.error().kind != ErrorKind::busy) return std::unexpected(given_up.error());
        part = TRY(here.view_of(key));
    }
    if (!part.state)
        return fail(ErrorKind::not_found, fmt::format("this host has no part {} in an operation", key));
    Result<void> asked;
    if (!part.operation.empty()) {
        asked = request_of_part(here, part, verb, call.parameters, asker);
        here.wake(part.operation);
    }
    const PartView view = TRY(here.view_of(key));
    // Its timer may have run out just now, and done what was asked for.
    if (!asked && !is_past(view, verb)) return std::unexpected(asked.error());
    return Reply{view};
}

Result<Reply> show_part(Here& here, const Call& call)
{
    TRY(no_parameter_but(call.parameters, {"key"}));
    const std::string key = TRY(part_text(call.parameters, "key", true));
    const PartView view = TRY(here.view_of(key));
    return Reply{view};
}

Result<Reply> list_parts(Here& here, const Call& call)
{
    TRY(no_parameter_but(call.parameters, {"site"}));
    const std::string site = TRY(part_text(call.parameters, "site", true));
    Json parts = Json::array();
    const std::vector<Id> ids = TRY(here.engine.unfinished());
    for (const Id& id : ids) {
        const operation::View view = TRY(here.engine.show(id));
        const std::optional<Part>& part = view.operation.part;
        if (!part || part->site != site) continue;
        parts.push_back(TRY(here.view_of(part->key)));
    }
    return Reply{{{"parts", std::move(parts)}}};
}

}  // namespace

std::vector<Method> part_methods(Engine& engine, std::function<void(const Id&)> wake)
{
    const auto here = std::make_shared<Here>(engine, std::move(wake));
    const auto with = [&](auto method) {
        return [here, method](const Call& call) { return method(*here, call); };
    };
    return {{"PartAdopt", Right::operate, with(adopt_part)},
            {"PartRequest", Right::operate, with(request_part)},
            {"PartShow", Right::view, with(show_part)},
            {"Parts", Right::view, with(list_parts)}};
}

}  // namespace belay::site
