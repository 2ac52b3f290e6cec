// belay host maintenance: a change of the configuration that says what it does to what runs, and waits for
// it.

#include "cli/app_text.h"
#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/operation_text.h"
#include "cli/plan_text.h"
#include "cli/session.h"

#include <map>

namespace belay::cli {
namespace {

constexpr const char* maintenance_procedure = "config.maintenance";

bool is_moved(const Json& move)
{
    const std::string what = raw_text(move, "what");
    return what == "start" || what == "stop";
}

/// Two clocks of one host are read one after the other.
constexpr int64_t same_moment_ms = 20;

enum class Rest { on_its_way, come, failed };

/// Where an application that is told to stop, or to start, comes to rest; `before`: as it stood. What its
/// host does when it is back nobody waits for.
Rest rest_of(bool stops, const Json& before, const Json& application)
{
    const std::string phase = raw_text(application, "phase");
    if (has(application, "host_away")) return Rest::come;
    if (stops) return phase == "stopped" || phase == "failed" ? Rest::come : Rest::on_its_way;
    if (phase == "started" || phase == "suspended") return Rest::come;
    const bool has_moved =
        number_of(application, "since_ms") > number_of(before, "since_ms") + same_moment_ms;
    if (phase == "failed" && has_moved) return Rest::failed;
    // It was started, and has ended by itself.
    return phase == "stopped" && has_moved ? Rest::come : Rest::on_its_way;
}

Json application_in(const Json& answer, const std::string& name)
{
    for (const Json& one : list_of(answer, "applications")) {
        if (raw_text(one, "name") == name) return one;
    }
    return Json::object();
}

}  // namespace

Result<int> Session::host_maintenance()
{
    const Json moves = TRY(client_.call("HostMoves", {{"host", asked_.target}, {"state", asked_.verb}}));
    if (asked_.dry_run) {
        say(moves, moves_text(style_, moves));
        return 0;
    }
    const Json before = TRY(client_.call("Applications", Json::object()));
    const Moved moved{.moves = moves, .before = before};
    // One that is to end by itself is ended by taking it back: it was never committed.
    const Json open = TRY(client_.call("List", {{"ended", false}}));
    for (const Json& operation : list_of(open, "operations")) {
        const Json& asked = object_of(object_of(operation, "plan"), "asked");
        const bool is_of_host = raw_text(operation, "procedure") == maintenance_procedure &&
                                raw_text(asked, "host") == asked_.target && raw_text(asked, "state") == "on";
        if (is_of_host && asked_.verb == "off")
            return lead_maintenance(raw_text(operation, "id"), "abort", moved);
    }
    Json parameters = {{"procedure", maintenance_procedure},
                       {"arguments", {{"host", asked_.target}, {"state", asked_.verb}}},
                       {"keep", true},
                       {"one_shot", !asked_.lasts}};
    if (asked_.lasts) parameters["timer_ms"] = asked_.lasts->count();
    if (!asked_.why.empty()) parameters["why"] = asked_.why;
    const Json answer = TRY(client_.call("Plan", parameters));
    if (flag_of(answer, "refused")) return say_refused(answer, !asked_.lasts);
    if (is_so_already(answer)) return say_so_already(answer);
    const std::string operation = raw_text(answer, "operation");
    if (!asked_.json)
        console_.out(fmt::format("operation {}: {}\n", operation,
                                 text_of(style_, object_of(answer, "plan"), "title")));
    if (!asked_.lasts) return lead_maintenance(operation, "add", moved);
    const int added = TRY(lead_quietly(operation, "add", "added"));
    if (added != 0) return added;
    const int code = TRY(lead_maintenance(operation, "activate", moved));
    if (!asked_.json)
        console_.out(fmt::format("it ends by itself in {}, or by: belay host maintenance {} off\n",
                                 to_text(*asked_.lasts), asked_.target));
    return code;
}

/// Until the operation has come to that state; it is told only where it comes otherwise.
Result<int> Session::lead_quietly(const std::string& operation, std::string_view verb,
                                  const std::string& wanted)
{
    TRY(request(operation, verb));
    Json view;
    TRY(client_.stream("Watch", {{"operation", operation}, {"settle", true}}, [&](const Json& each) {
        view = each;
        return true;
    }));
    if (raw_text(view, "state") == wanted) return 0;
    say(view, ending_text(style_, view));
    return static_cast<int>(ExitCode::failed);
}

/// The operation, and then what it moves on the host.
Result<int> Session::lead_maintenance(const std::string& operation, std::string_view verb, const Moved& moved)
{
    const std::string wanted = verb == "add" ? "committed" : verb == "abort" ? "aborted" : "activated";
    const int led = TRY(lead_quietly(operation, verb, wanted));
    if (led != 0) return led;
    if (!asked_.json) console_.out(moves_text(style_, moved.moves));
    if (!asked_.no_wait) return await_moves(moved);
    if (asked_.json) console_.out(json_text(moved.moves) + '\n');
    return 0;
}

/// Each of the applications that move is said, until all have come to rest.
Result<int> Session::await_moves(const Moved& moved)
{
    const bool stops = asked_.verb == "on";
    std::map<std::string, std::string> said;
    Json last;
    bool has_failed = false;
    const auto look = [&](const Json& answer) {
        size_t left = 0;
        last = answer;
        for (const Json& move : list_of(moved.moves, "moves")) {
            if (!is_moved(move)) continue;
            const std::string name = raw_text(move, "application");
            const Json one = application_in(answer, name);
            const Rest rest = rest_of(stops, application_in(moved.before, name), one);
            if (rest == Rest::on_its_way) {
                ++left;
                continue;
            }
            has_failed = has_failed || rest == Rest::failed;
            const std::string line =
                fmt::format("{} {}\n", cli::clean(style_, name), standing_text(style_, one));
            if (!asked_.json && said[name] != line) console_.out(line);
            said[name] = line;
        }
        return left > 0;
    };
    TRY(client_.stream("Applications", Json::object(), look));
    if (asked_.json) console_.out(json_text(last) + '\n');
    if (has_failed && !asked_.json) console_.err(fmt::format("  next: belay host show {}\n", asked_.target));
    return has_failed ? static_cast<int>(ExitCode::failed) : 0;
}

}  // namespace belay::cli
