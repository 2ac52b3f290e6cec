// The commands about a site: its hosts, and the people who may use it.

#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/host_text.h"
#include "cli/login.h"
#include "cli/session.h"
#include "cli/site_text.h"

namespace belay::cli {
namespace {

std::string_view method_of(Command command)
{
    switch (command) {
        case Command::host_revoke:
            return "HostRevoke";
        case Command::host_rename:
            return "HostRename";
        case Command::host_renew:
            return "HostRenew";
        case Command::account_add:
            return "AccountAdd";
        case Command::account_password:
            return "AccountPassword";
        case Command::account_role:
            return "AccountRole";
        case Command::account_remove:
            return "AccountRemove";
        default:
            return "AccountDisable";
    }
}

}  // namespace

Result<int> Session::status()
{
    return show_page("Status", {{"whole", true}}, status_sections);
}

Result<int> Session::show_page(std::string_view method, const Json& parameters, const PageMaker& page)
{
    if (!asked_.follow) {
        const Json answer = TRY(client_.call(method, parameters));
        say(answer, page_text(style_, page(style_, answer)));
        return 0;
    }
    if (console_.is_live() && !asked_.json) {
        const int signal = TRY(show_live_page(client_, console_, style_, method, parameters, page));
        return signal == 0 ? 0 : 128 + signal;
    }
    bool first = true;
    TRY(client_.stream(method, parameters, [&](const Json& answer) {
        say(answer, (first ? "" : "\n") + page_text(style_, page(style_, answer)));
        first = false;
        return !console_.failed();
    }));
    return 0;
}

Result<int> Session::host_show()
{
    Json parameters = Json::object();
    if (!asked_.target.empty()) parameters["host"] = asked_.target;
    return show_page("HostShow", parameters, host_sections);
}

Result<int> Session::host_list()
{
    Json parameters = Json::object();
    if (!asked_.target.empty()) parameters["host"] = asked_.target;
    const Json answer = TRY(client_.call("HostList", parameters));
    say(answer, hosts_text(style_, list_of(answer, "hosts")));
    return 0;
}

Result<int> Session::host_invite()
{
    Json parameters = {{"name", asked_.name}, {"role", asked_.role}, {"why", asked_.why}};
    if (asked_.valid) parameters["valid_ms"] = asked_.valid->count();
    const Json answer = TRY(client_.call("HostInvite", parameters));
    // The word alone on standard output: it may go straight into the new host's standard input.
    say(answer, raw_text(answer, "word") + '\n');
    if (!asked_.json)
        console_.err(
            fmt::format("It is good once, until {}.\n  next: belayd join - on the host, with this word "
                        "on its standard input\n",
                        style_.clock(span_of(answer, "ends_ms"))));
    return 0;
}

Result<int> Session::host_change()
{
    if (asked_.command == Command::host_revoke && !asked_.yes) {
        if (!console_.can_ask())
            return fail(ErrorKind::usage, "to shut a host out there is somebody to ask, or --yes is given",
                        fmt::format("belay host revoke {} --yes", asked_.target));
        const auto said = console_.ask(
            fmt::format("Shut {} out of the site for good? Type its name to do so: ", asked_.target));
        if (said != asked_.target) {
            console_.err("nothing was done\n");
            return static_cast<int>(ExitCode::refused);
        }
    }
    Json parameters = {{"host", asked_.target}, {"why", asked_.why}};
    if (asked_.command == Command::host_rename) parameters["name"] = asked_.name;
    const Json answer = TRY(client_.call(method_of(asked_.command), parameters));
    say(answer, hosts_text(style_, {object_of(answer, "host")}));
    return 0;
}

Result<int> Session::account_list()
{
    const Json answer = TRY(client_.call("AccountList", Json::object()));
    say(answer, accounts_text(style_, list_of(answer, "accounts")) +
                    fmt::format("\nThey log in from elsewhere with:\n  belay login {} --account NAME\n",
                                raw_text(answer, "site")));
    return 0;
}

Result<int> Session::account_change()
{
    Json parameters = {{"name", asked_.target}, {"why", asked_.why}};
    if (asked_.command == Command::account_add || asked_.command == Command::account_role)
        parameters["role"] = asked_.role;
    if (asked_.command == Command::account_add || asked_.command == Command::account_password)
        parameters["password"] = TRY(read_password(console_, asked_.target, true));
    if (asked_.command == Command::account_disable || asked_.command == Command::account_enable)
        parameters["disabled"] = asked_.command == Command::account_disable;
    const Json answer = TRY(client_.call(method_of(asked_.command), parameters));
    std::string text = asked_.command == Command::account_remove
                           ? fmt::format("the account {} is gone\n", asked_.target)
                           : accounts_text(style_, {object_of(answer, "account")});
    if (asked_.command == Command::account_add)
        text += fmt::format("  next, from elsewhere: belay login {} --account {}\n", raw_text(answer, "site"),
                            asked_.target);
    say(answer, text);
    return 0;
}

}  // namespace belay::cli
