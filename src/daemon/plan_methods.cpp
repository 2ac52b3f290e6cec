#include "base/digest.h"
#include "daemon/parameters.h"
#include "daemon/services.h"
#include "host/one_look.h"
#include "operation/gates.h"
#include "operation/runbook/make_plan.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using operation::Plan;
using site::Call;
using site::Reply;

constexpr Milliseconds default_grace = std::chrono::seconds(30);

struct Ask {
    std::string procedure;              ///< its name; or, where it is empty:
    std::string runbook, runbook_file;  ///< the text of a runbook, and what its file is called
    std::map<std::string, std::string> arguments;
    bool keep = false;
    operation::OneShot one_shot;
    std::optional<Milliseconds> timer;
    std::vector<std::string> gates;
    Milliseconds gate_grace = default_grace;
    std::string why;
    std::optional<HostsAsk> on_hosts;  ///< an operation of the site is asked for
};

/// Nothing where no hosts are named. What each host is asked is what was asked here, but for what is the
/// site's.
Result<std::optional<HostsAsk>> read_hosts(Parameters& parameters, const Json& json)
{
    HostsAsk ask{.hosts = TRY(parameters.texts("hosts"))};
    ask.waves = TRY(parameters.counts("waves"));
    ask.failures = TRY(parameters.count("failures", 0));
    ask.soak = TRY(parameters.span("wave_soak_ms"));
    if (ask.hosts.empty()) {
        if (!ask.waves.empty() || ask.failures > 0 || ask.soak)
            return fail(ErrorKind::usage, "waves, failures and wave_soak_ms are for what is done on hosts");
        return std::optional<HostsAsk>();
    }
    ask.parameters = json;
    for (const char* of_site : {"hosts", "waves", "failures", "wave_soak_ms"}) ask.parameters.erase(of_site);
    ask.parameters["keep"] = false;
    return std::optional(std::move(ask));
}

Result<Ask> read_ask(const Json& json)
{
    Parameters parameters(json);
    Ask ask;
    ask.procedure = TRY(parameters.text("procedure"));
    ask.runbook = TRY(parameters.text("runbook"));
    ask.runbook_file = TRY(parameters.text("runbook_file"));
    if (ask.procedure.empty() == ask.runbook.empty())
        return fail(ErrorKind::usage,
                    "a plan is made from a procedure or from a runbook: one of them is wanted");
    ask.arguments = TRY(parameters.named_texts("arguments"));
    ask.keep = TRY(parameters.flag("keep", false));
    ask.one_shot.wanted = TRY(parameters.flag("one_shot", false));
    ask.one_shot.soak = TRY(parameters.span("soak_ms")).value_or(Milliseconds{0});
    ask.timer = TRY(parameters.span("timer_ms"));
    ask.why = TRY(parameters.text("why"));
    ask.gate_grace = TRY(parameters.span("gate_grace_ms")).value_or(default_grace);
    ask.gates = TRY(parameters.texts("gates"));
    std::set<std::string> names;
    for (const std::string& text : ask.gates) {
        if (!names.insert(text).second)
            return fail(ErrorKind::usage, fmt::format("the gate {} stands there twice", text));
    }
    ask.on_hosts = TRY(read_hosts(parameters, json));
    TRY(parameters.no_other());
    if (ask.on_hosts && ask.one_shot.wanted)
        return fail(ErrorKind::usage, "what is done on several hosts goes step by step, and not in one go",
                    "belay add, with the same arguments");
    if (ask.on_hosts) ask.on_hosts->timer = ask.timer;
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

/// All that is wrong with the file, a line each, as lint says it.
Error runbook_refused(const std::string& file, const std::vector<operation::runbook::Problem>& problems)
{
    constexpr size_t most = 4096;
    std::string lines;
    size_t errors = 0;
    for (const operation::runbook::Problem& problem : problems) {
        if (!problem.error) continue;
        ++errors;
        lines += to_text(problem, file) + '\n';
    }
    if (lines.size() > most) lines.resize(lines.rfind('\n', most) + 1);
    return Error{.kind = ErrorKind::usage,
                 .what = fmt::format("the runbook {} has {} error{}", file, errors, errors == 1 ? "" : "s"),
                 .next = "belay runbook lint " + file,
                 .output = std::move(lines)};
}

Result<Plan> plan_of_runbook(host::Host& host, const Ask& ask)
{
    const std::string file = ask.runbook_file.empty() ? "runbook" : ask.runbook_file;
    const operation::runbook::Linted linted = operation::runbook::read_runbook(ask.runbook);
    if (!linted.runbook) return std::unexpected(runbook_refused(file, linted.problems));
    operation::runbook::Values values;
    values.insert(ask.arguments.begin(), ask.arguments.end());
    Plan plan = TRY(operation::runbook::make_plan(host, *linted.runbook, values));
    plan.asked["file"] = file;
    plan.asked["sha256"] = sha256(ask.runbook);
    return plan;
}

Result<Plan> plan_of_procedure(const Services& services, host::Host& host, const Ask& ask)
{
    const procedures::Procedure* procedure = TRY(find_procedure(services, ask.procedure));
    TRY(check_arguments(*procedure, ask.arguments));
    if (ask.keep && procedure->before_keeping) TRY(procedure->before_keeping());
    std::map<std::string, std::string> arguments = ask.arguments;
    const bool wants_timer = std::ranges::any_of(
        procedure->arguments,
        [](const procedures::Argument& argument) { return argument.name == procedures::timer_argument; });
    if (ask.timer && wants_timer) arguments[procedures::timer_argument] = std::to_string(ask.timer->count());
    return procedure->make(host, arguments);
}

Result<operation::Gate> make_gate(const Services& services, host::Host& host, const std::string& text,
                                  Milliseconds grace)
{
    for (const procedures::GateKind& kind : services.parts.gates) {
        if (!text.starts_with(kind.prefix)) continue;
        operation::Gate gate = TRY(kind.make(host, std::string_view(text).substr(kind.prefix.size())));
        operation::pace(gate, grace);
        return gate;
    }
    return operation::parse_gate(text, grace);
}

Result<Plan> make_plan(const Services& services, const Ask& ask, const Call& call)
{
    if (ask.on_hosts) {
        if (services.place == nullptr)
            return fail(ErrorKind::refused, "this machine is no controller of a site", "docs/site.md");
        HostsAsk on_hosts = *ask.on_hosts;
        on_hosts.asker = call.caller.user;
        return services.place->plan_on_hosts(on_hosts);
    }
    if (ask.procedure.starts_with("config.") && services.place != nullptr && !services.place->is_controller())
        return fail(ErrorKind::refused,
                    "this machine is a host of a site, whose configuration is changed on its controller",
                    "the same on the controller, or belay --site NAME ...");
    host::OneLook look(services.host);
    // First: a gate that makes no sense is refused before anything else is looked at.
    std::vector<operation::Gate> gates;
    for (const std::string& text : ask.gates)
        gates.push_back(TRY(make_gate(services, look, text, ask.gate_grace)));
    Plan plan =
        TRY(ask.procedure.empty() ? plan_of_runbook(look, ask) : plan_of_procedure(services, look, ask));
    if (ask.timer) plan.timer = *ask.timer;
    for (operation::Gate& gate : gates) plan.gates.push_back(std::move(gate));
    return plan;
}

Result<Reply> plan_operation(const Services& services, const Call& call)
{
    const Ask ask = TRY(read_ask(call.parameters));
    // The checks of a runbook are commands that whoever asks has written: to let them run is to change.
    const bool changes = ask.keep || !ask.runbook.empty() || ask.on_hosts;
    if (changes && call.caller.right < site::Right::operate)
        return std::unexpected(site::not_allowed(call.caller, site::Right::operate));
    const Plan plan = TRY(make_plan(services, ask, call));
    // It is so already: nothing is to be done, and so nothing to be kept.
    if (plan.steps.empty())
        return Reply{
            {{"plan", plan}, {"findings", Json::array()}, {"refused", false}, {"operation", nullptr}}};
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
    return {{"Plan", site::Right::view,
             [&services](const Call& call) { return plan_operation(services, call); }}};
}

}  // namespace belay::daemon
