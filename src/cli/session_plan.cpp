// The commands that make a plan, and carry it out.

#include "base/closest.h"
#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/plan_text.h"
#include "cli/runbook.h"
#include "cli/session.h"

#include <algorithm>

namespace belay::cli {

bool is_of_runbook(Command command)
{
    return command == Command::runbook_plan || command == Command::runbook_add ||
           command == Command::runbook_run;
}

Result<Json> Session::declared(const std::string& name)
{
    const Json answer = TRY(client_.call("Procedures", Json::object()));
    std::vector<std::string> names;
    for (const Json& procedure : list_of(answer, "procedures")) {
        names.push_back(raw_text(procedure, "name"));
        if (names.back() == name) return procedure;
    }
    return fail(ErrorKind::not_found,
                fmt::format("no procedure is called \"{}\"{}", name, did_you_mean(name, names)),
                "belay procedures");
}

Result<void> Session::check_arguments(const std::map<std::string, std::string>& arguments)
{
    const Json procedure = TRY(declared(asked_.target));
    const std::string next = "belay procedures " + asked_.target;
    std::vector<std::string> names;
    for (const Json& argument : list_of(procedure, "arguments")) {
        if (!flag_of(argument, "internal")) names.push_back("--" + raw_text(argument, "name"));
    }
    for (const auto& [name, value] : arguments) {
        if (std::ranges::find(names, "--" + name) == names.end())
            return fail(ErrorKind::usage,
                        fmt::format("{} takes no argument --{}{}", asked_.target, name,
                                    did_you_mean("--" + name, names)),
                        next);
    }
    for (const Json& argument : list_of(procedure, "arguments")) {
        const std::string name = raw_text(argument, "name");
        if (flag_of(argument, "required") && !arguments.contains(name))
            return fail(ErrorKind::usage,
                        fmt::format("{} needs --{}, {}", asked_.target, name, raw_text(argument, "meaning")),
                        next);
    }
    return {};
}

/// The part of the daemon's parameters that says which procedure or runbook is meant.
Result<Json> Session::what_to_plan()
{
    if (!is_of_runbook(asked_.command)) {
        const auto arguments = TRY(procedure_arguments(asked_.words));
        TRY(check_arguments(arguments));
        return Json{{"procedure", asked_.target}, {"arguments", arguments}};
    }
    const auto values = TRY(runbook_values(asked_.set));
    const std::string text = TRY(read_runbook_file(asked_.target));
    return Json{{"runbook", text}, {"runbook_file", asked_.target}, {"arguments", values}};
}

Result<Json> Session::make_plan(bool keep, bool one_shot)
{
    Json parameters = TRY(what_to_plan());
    parameters["keep"] = keep;
    if (one_shot) parameters.update({{"one_shot", true}, {"soak_ms", asked_.soak.count()}});
    if (asked_.timer) parameters["timer_ms"] = asked_.timer->count();
    if (!asked_.gates.empty()) parameters["gates"] = asked_.gates;
    if (asked_.gate_grace) parameters["gate_grace_ms"] = asked_.gate_grace->count();
    if (!asked_.why.empty()) parameters["why"] = asked_.why;
    if (!asked_.hosts.empty()) parameters["hosts"] = asked_.hosts;
    if (!asked_.waves.empty()) parameters["waves"] = asked_.waves;
    if (asked_.failures) parameters["failures"] = *asked_.failures;
    if (asked_.wave_soak) parameters["wave_soak_ms"] = asked_.wave_soak->count();
    return client_.call("Plan", parameters);
}

Result<int> Session::plan()
{
    const Json answer = TRY(make_plan(!asked_.dry_run, false));
    say(answer, plan_text(style_, answer, false));
    return static_cast<int>(flag_of(answer, "refused") ? ExitCode::refused : ExitCode::done);
}

Result<int> Session::say_refused(const Json& answer, bool one_shot)
{
    say(answer, plan_text(style_, answer, one_shot));
    return static_cast<int>(ExitCode::refused);
}

int Session::say_so_already(const Json& answer)
{
    say(answer, so_already_text(style_, answer));
    return 0;
}

Result<int> Session::add()
{
    const bool planned = asked_.command == Command::add && is_operation(asked_.target);
    if (planned) return request_and_follow(asked_.target, "add");
    const Json answer = TRY(make_plan(true, false));
    if (flag_of(answer, "refused")) return say_refused(answer, false);
    if (is_so_already(answer)) return say_so_already(answer);
    const std::string operation = raw_text(answer, "operation");
    if (!asked_.json)
        console_.out(fmt::format("operation {}: {}\n", operation,
                                 text_of(style_, object_of(answer, "plan"), "title")));
    return request_and_follow(operation, "add");
}

/// Asks for the "yes" without which nothing is done that has no way back.
Result<void> Session::confirm(const std::string& operation)
{
    if (asked_.yes) return {};
    const auto answer = console_.ask("Type yes to go on: ");
    if (answer == "yes") return {};
    if (!answer) console_.out("\n");
    // What was kept to be shown must not stay about.
    TRY(client_.call("Request", {{"operation", operation}, {"verb", "abort"}, {"why", "not confirmed"}}));
    return fail(ErrorKind::refused, "not confirmed, and nothing was touched",
                "belay add, to go step by step with a way back");
}

Result<int> Session::run_in_one_go()
{
    if (!asked_.yes && (asked_.json || !console_.can_ask()))
        return fail(ErrorKind::usage, "belay run has no way back, and there is nobody to ask",
                    "belay run --yes, or belay add to go step by step");
    const Json answer = TRY(make_plan(true, true));
    if (flag_of(answer, "refused")) return say_refused(answer, true);
    if (is_so_already(answer)) return say_so_already(answer);
    if (!asked_.json) console_.out(plan_text(style_, answer, true) + '\n');
    const std::string operation = raw_text(answer, "operation");
    TRY(confirm(operation));
    return request_and_follow(operation, "add");
}

}  // namespace belay::cli
