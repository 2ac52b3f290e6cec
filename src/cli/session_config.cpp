// The commands of the site's configuration.

#include "cli/config_check.h"
#include "cli/editor.h"
#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/plan_text.h"
#include "cli/session.h"

#include <unistd.h>

namespace belay::cli {
namespace {

constexpr size_t most_text_bytes = 256 << 20;

std::string change_text(const Style& style, const Json& answer)
{
    std::string text;
    const Json plan = object_of(answer, "plan");
    for (const Json& step : list_of(plan, "steps")) {
        for (const std::string& line : texts_of(style, step, "commands")) text += line + '\n';
    }
    return text;
}

std::string versions_text(const Style& style, const std::vector<Json>& versions)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& version : versions) {
        const std::string operation = raw_text(version, "operation");
        rows.push_back({fmt::format("{}", number_of(version, "version")),
                        style.clock(Milliseconds{number_of(version, "at_ms")}),
                        text_of(style, version, "who"), operation.empty() ? "" : "operation " + operation,
                        text_of(style, version, "summary"), text_of(style, version, "why")});
    }
    return rows.empty() ? "nothing was configured yet\n  next: belay config apply FILE\n"
                        : table(style, rows, 0);
}

}  // namespace

Result<int> Session::config()
{
    switch (asked_.command) {
        case Command::config_get:
        case Command::config_export:
            return config_text();
        case Command::config_edit:
            return config_edit();
        case Command::config_history:
            return config_history();
        default:
            return config_change();
    }
}

/// The text comes in pieces, for it may be longer than a message.
Result<std::string> Session::read_config(bool with_ids)
{
    Json parameters = {{"ids", with_ids}};
    if (!asked_.target.empty()) parameters["type"] = asked_.target;
    if (!asked_.name.empty()) parameters["name"] = asked_.name;
    std::string text;
    TRY(client_.stream("ConfigShow", parameters, [&](const Json& piece) {
        text += raw_text(piece, "text");
        return text.size() < most_text_bytes;
    }));
    return text;
}

Result<int> Session::config_text()
{
    const std::string text = TRY(read_config(false));
    const bool nothing = text.empty() && asked_.command == Command::config_get;
    say({{"text", text}},
        nothing ? std::string("nothing of it is configured\n  next: belay config apply FILE\n") : text);
    return 0;
}

Result<int> Session::config_history()
{
    Json parameters = Json::object();
    if (asked_.limit) parameters["limit"] = *asked_.limit;
    const Json answer = TRY(client_.call("ConfigHistory", parameters));
    say(answer, versions_text(style_, list_of(answer, "versions")));
    return 0;
}

Result<Json> Session::plan_config(const std::string& text, const std::string& file, const std::string& mode,
                                  bool keep)
{
    Json parameters = {{"procedure", "config.change"},
                       {"arguments", {{"text", text}, {"file", file}, {"mode", mode}}},
                       {"keep", keep}};
    if (asked_.command == Command::config_revert)
        parameters.update({{"procedure", "config.revert"}, {"arguments", {{"version", asked_.target}}}});
    if (asked_.timer) parameters["timer_ms"] = asked_.timer->count();
    if (!asked_.gates.empty()) parameters["gates"] = asked_.gates;
    if (asked_.gate_grace) parameters["gate_grace_ms"] = asked_.gate_grace->count();
    if (!asked_.why.empty()) parameters["why"] = asked_.why;
    return client_.call("Plan", parameters);
}

/// Shows the difference and makes it so, up to where it has to be confirmed.
Result<int> Session::apply_config(const Json& answer)
{
    if (flag_of(answer, "refused")) return say_refused(answer, false);
    if (is_so_already(answer)) {
        say({{"changed", false}}, so_already_text(style_, answer));
        return 0;
    }
    const std::string operation = raw_text(answer, "operation");
    if (!asked_.json)
        console_.out(fmt::format("operation {}: {}\n{}", operation,
                                 text_of(style_, object_of(answer, "plan"), "title"),
                                 change_text(style_, answer)));
    // Without waiting nobody knows yet whether it may be activated.
    if (asked_.no_wait) return request_and_follow(operation, "add");
    const Json known = TRY(client_.call("Show", {{"operation", operation}}));
    TRY(request(operation, "add"));
    const Followed added =
        TRY(follow(client_, console_, style_, operation, {.json = asked_.json, .known = known}));
    if (added.signal != 0) return say_interrupted(operation, added);
    if (raw_text(added.view, "state") != "added")
        return follow_to_end(operation, "added", {.json = asked_.json, .known = added.view});
    const int activated = TRY(request_and_follow(operation, "activate"));
    if (activated == 0 && !asked_.json)
        console_.out(fmt::format("Unless it is committed within {}, what was returns by itself.\n",
                                 to_text(span_of(object_of(answer, "plan"), "timer_ms"))));
    return activated;
}

Result<int> Session::config_change()
{
    std::string text;
    if (asked_.command != Command::config_revert) text = TRY(read_configuration(asked_.target, console_));
    std::string mode = asked_.mode.empty() ? "merge" : asked_.mode;
    if (asked_.command == Command::config_import) mode = "whole";
    const bool only_look = asked_.command == Command::config_diff;
    const Json answer = TRY(plan_config(text, asked_.target, mode, !only_look));
    if (!only_look) return apply_config(answer);
    say(answer, is_so_already(answer) ? so_already_text(style_, answer) : change_text(style_, answer));
    if (!flag_of(answer, "refused")) return 0;
    if (!asked_.json)
        console_.err("This would be refused now:\n" + findings_text(style_, doubtful_findings(answer), 2));
    return static_cast<int>(ExitCode::refused);
}

Result<int> Session::config_edit()
{
    const std::string before = TRY(read_config(true));
    EditedFile file = TRY(EditedFile::make(before));
    TRY(file.edit());
    const std::string after = TRY(file.read());
    if (after == before) {
        file.remove();
        say({{"changed", false}}, "nothing was changed\n");
        return 0;
    }
    const auto answer = plan_config(after, file.path(), "objects", true);
    if (!answer) {
        Error error = answer.error();
        error.next = fmt::format("what you wrote is in {}: mend it, and belay config apply {} --mode objects",
                                 file.path(), file.path());
        return std::unexpected(std::move(error));
    }
    file.remove();
    return apply_config(*answer);
}

}  // namespace belay::cli
