#include "cli/run.h"

#include "cli/esp_sync.h"
#include "cli/fields.h"
#include "cli/follow.h"
#include "cli/monitor.h"
#include "cli/operation_text.h"
#include "cli/parse_command.h"
#include "cli/plan_text.h"
#include "cli/procedure_text.h"
#include "cli/runbook.h"
#include "cli/storage_commands.h"

#include <algorithm>
#include <csignal>

namespace belay::cli {
namespace {

/// One run of the command, connected to a daemon.
class Session {
  public:
    Session(const Invocation& asked, Console& console, const Style& style, site::Client& client)
        : asked_(asked), console_(console), style_(style), client_(client)
    {
    }

    /// The exit code. Errors are said by the caller.
    Result<int> carry_out();

  private:
    Result<int> procedures();
    Result<int> plan();
    Result<int> add();
    Result<int> run_in_one_go();
    Result<int> timer();
    Result<int> show();
    Result<int> history();
    Result<int> clean();
    std::string left_out(const Json& answer) const;

    Result<Json> make_plan(bool keep, bool one_shot);
    Result<Json> what_to_plan();
    Result<void> check_arguments(const std::map<std::string, std::string>& arguments);
    Result<Json> declared(const std::string& name);
    Result<void> confirm(const std::string& operation);
    Result<int> say_refused(const Json& answer, bool one_shot);

    Result<Json> request(const std::string& operation, std::string_view verb);
    Result<int> request_and_follow(const std::string& operation, std::string_view verb);
    Result<int> follow_to_end(const std::string& operation, const std::string& wanted,
                              const FollowOptions& options);
    int say_interrupted(const std::string& operation, const Followed& followed);

    /// The daemon's answer as JSON, or as this text.
    void say(const Json& answer, const std::string& text)
    {
        console_.out(asked_.json ? json_text(answer) + '\n' : text);
    }

    const Invocation& asked_;
    Console& console_;
    const Style& style_;
    site::Client& client_;
};

/// Whether a plan is to be made from a runbook.
bool is_of_runbook(Command command)
{
    return command == Command::runbook_plan || command == Command::runbook_add ||
           command == Command::runbook_run;
}

std::string said_name(Command command)
{
    switch (command) {
        case Command::add:
            return "add";
        case Command::activate:
            return "activate";
        case Command::commit:
            return "commit";
        case Command::abort:
            return "abort";
        case Command::clear:
            return "clear";
        default:
            return {};
    }
}

/// The state that a verb asks for; empty: none in particular.
std::string wanted_state(std::string_view verb, const Json& view)
{
    if (verb == "add") return flag_of(view, "one_shot") ? "committed" : "added";
    if (verb == "activate") return "activated";
    if (verb == "commit") return "committed";
    return "aborted";
}

Result<int> Session::carry_out()
{
    switch (asked_.command) {
        case Command::storage_show:
        case Command::storage_health:
        case Command::storage_record:
        case Command::storage_ports:
            return storage_command(asked_, console_, style_, ask_daemon(client_));
        case Command::storage_monitor:
            return monitor_command(asked_, console_, style_, client_);
        case Command::procedures:
            return procedures();
        case Command::plan:
        case Command::runbook_plan:
            return plan();
        case Command::add:
        case Command::runbook_add:
            return add();
        case Command::run:
        case Command::runbook_run:
            return run_in_one_go();
        case Command::activate:
        case Command::commit:
        case Command::abort:
        case Command::clear:
            return request_and_follow(asked_.target, said_name(asked_.command));
        case Command::timer:
            return timer();
        case Command::show:
            return show();
        case Command::history:
            return history();
        case Command::clean:
            return clean();
        case Command::parse:
        case Command::storage_esp_sync:
        case Command::runbook_lint:
        case Command::version:
            break;
    }
    return 0;
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

Result<int> Session::procedures()
{
    if (asked_.target.empty()) {
        const Json answer = TRY(client_.call("Procedures", Json::object()));
        say(answer, procedures_text(style_, list_of(answer, "procedures")));
        return 0;
    }
    const Json procedure = TRY(declared(asked_.target));
    say({{"procedures", Json::array({procedure})}}, procedure_text(style_, procedure));
    return 0;
}

Result<void> Session::check_arguments(const std::map<std::string, std::string>& arguments)
{
    const Json procedure = TRY(declared(asked_.target));
    const std::string next = "belay procedures " + asked_.target;
    std::vector<std::string> names;
    for (const Json& argument : list_of(procedure, "arguments"))
        names.push_back("--" + raw_text(argument, "name"));
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

Result<int> Session::add()
{
    const bool planned = asked_.command == Command::add && is_operation(asked_.target);
    if (planned) return request_and_follow(asked_.target, "add");
    const Json answer = TRY(make_plan(true, false));
    if (flag_of(answer, "refused")) return say_refused(answer, false);
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
    if (!asked_.json) console_.out(plan_text(style_, answer, true) + '\n');
    const std::string operation = raw_text(answer, "operation");
    TRY(confirm(operation));
    return request_and_follow(operation, "add");
}

Result<Json> Session::request(const std::string& operation, std::string_view verb)
{
    Json parameters = {{"operation", operation}, {"verb", verb}};
    if (!asked_.why.empty()) parameters["why"] = asked_.why;
    return client_.call("Request", parameters);
}

Result<int> Session::request_and_follow(const std::string& operation, std::string_view verb)
{
    // Looked at before it is asked, so that not even the first event is missed.
    const Json known = TRY(client_.call("Show", {{"operation", operation}}));
    const Json view = TRY(request(operation, verb));
    if (asked_.no_wait) {
        say(view, ending_text(style_, view));
        return 0;
    }
    return follow_to_end(operation, wanted_state(verb, view), {.json = asked_.json, .known = known});
}

Result<int> Session::follow_to_end(const std::string& operation, const std::string& wanted,
                                   const FollowOptions& options)
{
    auto result = follow(client_, console_, style_, operation, options);
    if (!result) {
        // Not the same command again: what it asked for was taken, and goes on.
        result.error().next = "belay show " + operation;
        return std::unexpected(result.error());
    }
    const Followed& followed = *result;
    if (followed.signal != 0) return say_interrupted(operation, followed);
    say(followed.view, ending_text(style_, followed.view));
    const std::string state = raw_text(followed.view, "state");
    if (wanted.empty() || state == wanted) return 0;
    if (!asked_.json)
        console_.err(fmt::format("belay: operation {} should be {} and is {}\n  next: belay show {}\n",
                                 operation, wanted, state, operation));
    return static_cast<int>(ExitCode::failed);
}

int Session::say_interrupted(const std::string& operation, const Followed& followed)
{
    std::string said = fmt::format("operation {} goes on; belay show {} to come back", operation, operation);
    const std::string back = "belay abort " + operation;
    for (const Json& way : list_of(followed.view, "ways_on")) {
        if (raw_text(way, "command") == back) said += fmt::format(", {} to go back", back);
    }
    console_.err(said + '\n');
    return 128 + followed.signal;
}

Result<int> Session::timer()
{
    Json parameters = {{"operation", asked_.target}};
    Json view;
    if (asked_.stop || asked_.restart || asked_.extend) {
        parameters["change"] = asked_.stop ? "stop" : asked_.restart ? "restart" : "extend";
        if (asked_.extend) parameters["by_ms"] = asked_.extend->count();
        if (!asked_.why.empty()) parameters["why"] = asked_.why;
        view = TRY(client_.call("Timer", parameters));
    } else {
        view = TRY(client_.call("Show", parameters));
    }
    say(view, fmt::format("timer of operation {}: {}\n", asked_.target, timer_text(view, Milliseconds{0})));
    return 0;
}

Result<int> Session::show()
{
    if (asked_.target.empty()) {
        const Json answer = TRY(client_.call("List", {{"ended", false}}));
        say(answer, operations_text(style_, list_of(answer, "operations"),
                                    "no operation is on its way\n  next: belay procedures") +
                        left_out(answer));
        return 0;
    }
    const Json parameters = {{"operation", asked_.target}};
    if (asked_.journal) {
        const Json answer = TRY(client_.call("Records", parameters));
        say(answer, journal_text(style_, list_of(answer, "records")));
        return 0;
    }
    const Json view = TRY(client_.call("Show", parameters));
    const bool live = console_.is_live() && !asked_.json && !asked_.no_wait && goes_on_by_itself(view);
    if (!asked_.follow && !live) {
        say(view, operation_text(style_, view));
        return 0;
    }
    if (!console_.is_live() && !asked_.json) console_.out(operation_text(style_, view) + '\n');
    return follow_to_end(asked_.target, "", {.settle = !asked_.follow, .json = asked_.json, .known = view});
}

/// That a list is not the whole.
std::string Session::left_out(const Json& answer) const
{
    const int64_t omitted = number_of(answer, "omitted");
    if (omitted <= 0) return {};
    return fmt::format("{} older ones are not shown\n  next: belay history {}--limit NUMBER\n", omitted,
                       asked_.audit ? "--audit " : "");
}

Result<int> Session::history()
{
    Json parameters = Json::object();
    if (asked_.limit) parameters["limit"] = *asked_.limit;
    if (asked_.audit) {
        const Json answer = TRY(client_.call("Audit", parameters));
        say(answer, audit_text(style_, list_of(answer, "entries")) + left_out(answer));
        return 0;
    }
    parameters["ended"] = true;
    const Json answer = TRY(client_.call("List", parameters));
    say(answer,
        operations_text(style_, list_of(answer, "operations"), "no operation yet\n  next: belay procedures") +
            left_out(answer));
    return 0;
}

Result<int> Session::clean()
{
    const Json answer = TRY(client_.call("Clean", {{"dry_run", asked_.dry_run}}));
    std::string text;
    for (const std::string& removed : texts_of(style_, answer, "removed")) text += removed + '\n';
    const Bytes freed{static_cast<uint64_t>(std::max<int64_t>(number_of(answer, "freed"), 0))};
    text += text.empty()
                ? "there is nothing to remove\n"
                : fmt::format("{} {}\n", to_text(freed), asked_.dry_run ? "would be freed" : "freed");
    say(answer, text);
    return 0;
}

int say_error(Console& console, const Style& style, bool json, const Error& error)
{
    if (json) {
        console.out(json_text({{"error", error}}) + '\n');
    } else {
        std::string text = fmt::format("belay: {}\n", clean(style, error.what));
        if (!error.output.empty()) text += fmt::format("  it said: {}\n", clean(style, error.output));
        if (!error.next.empty()) text += fmt::format("  next: {}\n", clean(style, error.next));
        console.err(text);
    }
    return static_cast<int>(exit_code_of(error.kind));
}

/// The exit code of lint. Nothing, with `only_errors`, where the file may be sent to the daemon.
std::optional<int> lint(const Invocation& asked, Console& console, const Style& style, bool only_errors)
{
    const Result<std::string> text = read_runbook_file(asked.target);
    if (!text) return say_error(console, style, asked.json, text.error());
    const auto linted = operation::runbook::read_runbook(*text);
    if (linted.runbook && only_errors) return std::nullopt;
    const std::string said = asked.json ? json_text(lint_json(asked.target, linted)) + '\n'
                                        : lint_text(style, asked.target, linted);
    if (only_errors && !asked.json)
        console.err(said);
    else
        console.out(said);
    return static_cast<int>(linted.runbook ? ExitCode::done : ExitCode::usage);
}

int run_parsed(const Invocation& asked, Console& console, const Style& style, const Connect& connect)
{
    if (asked.command == Command::version) {
        const std::string version = BELAY_VERSION;
        console.out(asked.json ? json_text({{"version", version}}) + '\n'
                               : fmt::format("belay {}\n", version));
        return 0;
    }
    if (!asked.from.empty()) {
        const auto ask = ask_recording(asked.from);
        const auto code = ask ? storage_command(asked, console, style, *ask) : std::unexpected(ask.error());
        return code ? *code : say_error(console, style, asked.json, code.error());
    }
    if (asked.command == Command::parse) {
        const auto said = parse_input(asked, console);
        if (!said) return say_error(console, style, asked.json, said.error());
        console.out(*said);
        return 0;
    }
    if (asked.command == Command::storage_esp_sync) {
        const auto code = esp_sync(asked, console, style);
        return code ? *code : say_error(console, style, asked.json, code.error());
    }
    if (asked.command == Command::runbook_lint) return *lint(asked, console, style, false);
    if (is_of_runbook(asked.command)) {
        if (const auto wrong = lint(asked, console, style, true)) return *wrong;
    }
    const auto client = connect(asked);
    if (!client) return say_error(console, style, asked.json, client.error());
    const auto code = Session(asked, console, style, **client).carry_out();
    return code ? *code : say_error(console, style, asked.json, code.error());
}

}  // namespace

int run(const std::vector<std::string>& words, Console& console, const Connect& connect)
{
    Style style = console.style();
    const auto parsed = parse_command_line(words);
    if (!parsed) {
        const bool json = std::ranges::find(words, "--json") != words.end();
        return say_error(console, style, json, parsed.error());
    }
    if (parsed->help) {
        console.out(*parsed->help);
        return 0;
    }
    if (parsed->invocation.no_color) style.colour = false;
    const int code = run_parsed(parsed->invocation, console, style, connect);
    return code == 0 && console.failed() ? static_cast<int>(ExitCode::io) : code;
}

}  // namespace belay::cli
