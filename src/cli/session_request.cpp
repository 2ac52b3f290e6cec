// The commands that lead an operation on, and what it comes to.

#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/operation_text.h"
#include "cli/session.h"

namespace belay::cli {
namespace {

/// The state that a verb asks for; empty: none in particular.
std::string wanted_state(std::string_view verb, const Json& view)
{
    if (verb == "add") return flag_of(view, "one_shot") ? "committed" : "added";
    if (verb == "activate") return "activated";
    if (verb == "commit") return "committed";
    return "aborted";
}

}  // namespace

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

}  // namespace belay::cli
