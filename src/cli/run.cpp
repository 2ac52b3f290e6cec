#include "cli/run.h"

#include "cli/backup/run_backup.h"
#include "cli/catalog/catalog_commands.h"
#include "cli/config_check.h"
#include "cli/esp_sync.h"
#include "cli/fields.h"
#include "cli/image_commands.h"
#include "cli/login.h"
#include "cli/media_commands.h"
#include "cli/message_language.h"
#include "cli/monitor.h"
#include "cli/parse_command.h"
#include "cli/runbook.h"
#include "cli/session.h"
#include "cli/storage_commands.h"

#include <algorithm>
#include <sstream>

namespace belay::cli {
namespace {

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

}  // namespace

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
        case Command::config_get:
        case Command::config_export:
        case Command::config_edit:
        case Command::config_diff:
        case Command::config_apply:
        case Command::config_import:
        case Command::config_history:
        case Command::config_revert:
            return config();
        case Command::status:
            return status();
        case Command::host_list:
            return host_list();
        case Command::host_show:
            return host_show();
        case Command::host_maintenance:
            return host_maintenance();
        case Command::host_invite:
            return host_invite();
        case Command::host_revoke:
        case Command::host_rename:
        case Command::host_renew:
            return host_change();
        case Command::app_list:
            return app_list();
        case Command::app_show:
            return app_show();
        case Command::app_log:
            return app_log();
        case Command::app_pairs:
            return app_pairs();
        case Command::app_switch_over:
            return app_switch_over();
        case Command::messages:
            return messages();
        case Command::image_publish:
            return image_publish();
        case Command::image_withdraw:
            return image_withdraw();
        case Command::image_summary:
            return image_summary();
        case Command::image_remove_inactive:
        case Command::image_clear:
            return image_tidy();
        case Command::device:
            return device();
        case Command::app_start:
        case Command::app_stop:
        case Command::app_restart:
        case Command::app_suspend:
        case Command::app_resume:
            return app_order();
        case Command::solution_list:
            return solution_list();
        case Command::solution_show:
            return solution_show();
        case Command::solution_plan:
            return solution_plan();
        case Command::solution_start:
        case Command::solution_stop:
            return solution_order();
        case Command::alarm_list:
            return alarm_list();
        case Command::alarm_show:
            return alarm_show();
        case Command::alarm_acknowledge:
            return alarm_acknowledge();
        case Command::alarm_mute:
            return alarm_mute();
        case Command::alarm_test:
            return alarm_test();
        case Command::account_list:
            return account_list();
        case Command::account_add:
        case Command::account_password:
        case Command::account_role:
        case Command::account_disable:
        case Command::account_enable:
        case Command::account_remove:
            return account_change();
        case Command::login:
        case Command::logout:
        case Command::parse:
        case Command::storage_esp_sync:
        case Command::image_build:
        case Command::image_key:
        case Command::image_sign:
        case Command::image_verify:
        case Command::image_show:
        case Command::image_list:
        case Command::image_expand:
        case Command::image_remove:
        case Command::runbook_lint:
        case Command::config_check:
        case Command::media_status:
        case Command::media_add:
        case Command::media_list:
        case Command::media_password:
        case Command::media_grant:
        case Command::media_revoke:
        case Command::media_disable:
        case Command::media_enable:
        case Command::media_remove:
        case Command::media_quota:
        case Command::media_import:
        case Command::media_export:
        case Command::media_certificate:
        case Command::version:
            break;
    }
    return 0;
}

namespace {

int say_error(Console& console, const Style& style, bool json, const Error& error)
{
    if (json) {
        console.out(json_text({{"error", error}}) + '\n');
    } else {
        std::string text = fmt::format("belay: {}\n", clean(style, error.what));
        std::istringstream lines(error.output);
        std::string_view indent = "  it said: ";
        for (std::string line; std::getline(lines, line); indent = "           ")
            text += fmt::format("{}{}\n", indent, clean(style, line));
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

bool needs_network(const Invocation& asked)
{
    return !asked.site.empty() || !asked.proxy.empty() || asked.command == Command::login ||
           asked.command == Command::logout;
}

Result<std::unique_ptr<site::Client>> client_for(const Invocation& asked, const Connect& connect,
                                                 const Network& network)
{
    if (!asked.proxy.empty()) return network.connect_to_proxy(asked.proxy, asked.state_folder);
    return asked.site.empty() ? connect(asked) : connect_to_site(asked.site, network);
}

int run_parsed(const Invocation& asked, Console& console, const Style& style, const Connect& connect,
               const Network& network)
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
    if (is_of_images(asked.command)) {
        const auto code = image_command(asked, console, style);
        return code ? *code : say_error(console, style, asked.json, code.error());
    }
    if (is_of_media(asked.command)) {
        const auto code = media_command(asked, console, style);
        return code ? *code : say_error(console, style, asked.json, code.error());
    }
    if (asked.command == Command::config_check) {
        const auto code = config_check(asked, console, style);
        return code ? *code : say_error(console, style, asked.json, code.error());
    }
    if (asked.command == Command::messages && asked.verb == "explain") {
        const auto code = explain_message(asked, console, style);
        return code ? *code : say_error(console, style, asked.json, code.error());
    }
    if (asked.command == Command::runbook_lint) return *lint(asked, console, style, false);
    if (is_of_runbook(asked.command)) {
        if (const auto wrong = lint(asked, console, style, true)) return *wrong;
    }
    if (needs_network(asked) && network.become)
        return say_error(console, style, asked.json, network.become());
    if (asked.command == Command::login || asked.command == Command::logout) {
        const auto code = asked.command == Command::login ? log_in(asked, console, style, network)
                                                          : log_out(asked, console, network);
        return code ? *code : say_error(console, style, asked.json, code.error());
    }
    const auto client = client_for(asked, connect, network);
    if (!client) return say_error(console, style, asked.json, client.error());
    const auto code = Session(asked, console, style, **client).carry_out();
    return code ? *code : say_error(console, style, asked.json, code.error());
}

}  // namespace

int run(const std::vector<std::string>& words, Console& console, const Connect& connect,
        const Network& network)
{
    if (!words.empty() && words.front() == "backup")
        return run_backup({words.begin() + 1, words.end()}, console);
    if (!words.empty() && words.front() == "catalog")
        return run_catalog({words.begin() + 1, words.end()}, console, network);
    if (words.size() > 2 && words[0] == "--site" && words[2] == "catalog") {
        std::vector<std::string> site_last(words.begin() + 3, words.end());
        site_last.insert(site_last.end(), {words[0], words[1]});
        return run_catalog(site_last, console, network);
    }
    if (!words.empty() && words.front() == "restore")
        return run_restore({words.begin() + 1, words.end()}, console);
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
    const int code = run_parsed(parsed->invocation, console, style, connect, network);
    return code == 0 && console.failed() ? static_cast<int>(ExitCode::io) : code;
}

}  // namespace belay::cli
