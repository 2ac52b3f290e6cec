#include "daemon/parameters.h"
#include "daemon/services.h"
#include "host/one_look.h"
#include "operation/gates.h"

namespace belay::daemon {
namespace {

using operation::Plan;
using site::Call;
using site::Reply;

constexpr Milliseconds default_grace = std::chrono::seconds(30);

struct Ask {
    std::string procedure;
    std::map<std::string, std::string> arguments;
    bool keep = false;
    operation::OneShot one_shot;
    std::optional<Milliseconds> timer;
    std::vector<operation::Gate> gates;
    std::string why;
};

Result<Ask> read_ask(const Json& json)
{
    Parameters parameters(json);
    Ask ask;
    ask.procedure = TRY(parameters.required_text("procedure"));
    ask.arguments = TRY(parameters.named_texts("arguments"));
    ask.keep = TRY(parameters.flag("keep", false));
    ask.one_shot.wanted = TRY(parameters.flag("one_shot", false));
    ask.one_shot.soak = TRY(parameters.span("soak_ms")).value_or(Milliseconds{0});
    ask.timer = TRY(parameters.span("timer_ms"));
    ask.why = TRY(parameters.text("why"));
    const Milliseconds grace = TRY(parameters.span("gate_grace_ms")).value_or(default_grace);
    std::set<std::string> names;
    for (const std::string& text : TRY(parameters.texts("gates"))) {
        if (!names.insert(text).second)
            return fail(ErrorKind::usage, fmt::format("the gate {} stands there twice", text));
        ask.gates.push_back(TRY(operation::parse_gate(text, grace)));
    }
    TRY(parameters.no_other());
    return ask;
}

Result<const procedures::Procedure*> find_procedure(const Services& services, const std::string& name)
{
    for (const procedures::Procedure& procedure : services.parts.procedures) {
        if (procedure.name == name) return &procedure;
    }
    return fail(ErrorKind::not_found, fmt::format("no procedure is called {}", name), "belay procedures");
}

Result<void> check_arguments(const procedures::Procedure& procedure,
                             const std::map<std::string, std::string>& given)
{
    const std::string help = fmt::format("belay procedures {}", procedure.name);
    std::set<std::string_view> known;
    for (const procedures::Argument& argument : procedure.arguments) {
        known.insert(argument.name);
        if (argument.required && !given.contains(argument.name))
            return fail(ErrorKind::usage,
                        fmt::format("{} wants {} ({}), as {}={}", procedure.name, argument.name,
                                    argument.meaning, argument.name, argument.example),
                        help);
    }
    for (const auto& [name, value] : given) {
        if (!known.contains(name))
            return fail(ErrorKind::usage, fmt::format("{} has no argument {}", procedure.name, name), help);
    }
    return {};
}

Result<Plan> make_plan(const Services& services, const Ask& ask)
{
    const procedures::Procedure* procedure = TRY(find_procedure(services, ask.procedure));
    TRY(check_arguments(*procedure, ask.arguments));
    host::OneLook look(services.host);
    Plan plan = TRY(procedure->make(look, ask.arguments));
    if (ask.timer) plan.timer = *ask.timer;
    plan.gates.insert(plan.gates.end(), ask.gates.begin(), ask.gates.end());
    return plan;
}

Result<Reply> plan_operation(const Services& services, const Call& call)
{
    const Ask ask = TRY(read_ask(call.parameters));
    if (ask.keep && !call.may_change) return std::unexpected(site::not_allowed(call.peer));
    const Plan plan = TRY(make_plan(services, ask));
    const std::vector<operation::Checked> findings = TRY(services.engine.check(plan));
    Json answer = {{"plan", plan},
                   {"findings", findings},
                   {"refused", operation::any_failed(findings)},
                   {"operation", nullptr}};
    if (ask.keep) {
        // Asked even where a check fails: the refusal belongs into the audit trail.
        const auto kept = services.engine.keep(plan, asker_of(call, ask.why), ask.one_shot);
        if (kept)
            answer["operation"] = kept->id;
        else if (kept.error().kind == ErrorKind::refused)
            answer["refused"] = true;
        else
            return std::unexpected(kept.error());
    }
    return Reply{std::move(answer)};
}

}  // namespace

std::vector<site::Method> plan_methods(const Services& services)
{
    return {{"Plan", site::Access::look,
             [&services](const Call& call) { return plan_operation(services, call); }}};
}

}  // namespace belay::daemon
