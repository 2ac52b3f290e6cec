#include "cli/sense.h"

#include "base/closest.h"
#include "cli/message_language.h"
#include "cli/parse_kinds.h"

#include <algorithm>

namespace belay::cli {
namespace {

/// A kind of text that can be parsed. Errors: usage, naming those there are.
Result<void> check_kind(const std::string& name)
{
    if (parse_kind_named(name) != nullptr) return {};
    std::vector<std::string> names;
    for (const printed::Kind* kind : parse_kinds()) names.emplace_back(kind->name);
    const std::string there_are = parse_kinds_there_are();
    if (name.empty())
        return fail(ErrorKind::usage, "which kind of text? none was named; " + there_are,
                    "belay parse --help");
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is no kind of text that can be parsed{}; {}", name,
                            did_you_mean(name, names), there_are),
                "belay parse --help");
}

Result<void> check_image(const Invocation& asked)
{
    if (asked.target.empty() && asked.command == Command::image_build)
        return fail(ErrorKind::usage, "of which folder? none was named",
                    "belay image build FOLDER, which has an image.toml");
    if (asked.target.empty() && asked.command == Command::image_key)
        return fail(ErrorKind::usage, "where to? no file was named", "belay image key KEY.pem");
    if (asked.target.empty())
        return fail(ErrorKind::usage, "which image? none was named", "belay image --help");
    const bool wants_version =
        asked.command == Command::image_remove || asked.command == Command::image_withdraw;
    if (wants_version && asked.name.empty())
        return fail(ErrorKind::usage, "which version? none was named", "belay image summary");
    if (asked.command == Command::image_sign && asked.key.empty())
        return fail(ErrorKind::usage, "no key is named to sign with",
                    "--key KEY.pem; belay image key KEY.pem makes one");
    return {};
}

Result<void> check_messages(const Invocation& asked)
{
    if (!asked.language.empty() && language_of_locale(asked.language).empty())
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" is no language, which is as de or pt_BR", asked.language),
                    "belay messages --language de");
    if (asked.verb.empty()) return {};
    if (asked.verb != "explain")
        return fail(ErrorKind::usage, fmt::format("\"belay messages\" does not take \"{}\"", asked.verb),
                    "belay messages --help");
    if (asked.target.empty())
        return fail(ErrorKind::usage, "which event? no id was given", "belay messages explain 03-00020");
    return {};
}

}  // namespace

Result<void> check_sense(const Invocation& asked)
{
    switch (asked.command) {
        case Command::plan:
        case Command::add:
        case Command::run: {
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which procedure? none was named", "belay procedures");
            if (!is_operation(asked.target)) break;
            if (asked.command != Command::add)
                return fail(
                    ErrorKind::usage,
                    fmt::format("\"{}\" is an operation's number, and a procedure is wanted", asked.target),
                    "belay procedures");
            const bool plans =
                !asked.words.empty() || !asked.gates.empty() || asked.timer || asked.gate_grace;
            if (plans)
                return fail(
                    ErrorKind::usage,
                    fmt::format("operation {} was planned already and takes no more arguments", asked.target),
                    fmt::format("belay add {}, or belay timer {} once it is active", asked.target,
                                asked.target));
            break;
        }
        case Command::activate:
        case Command::commit:
        case Command::abort:
        case Command::clear:
        case Command::timer:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which operation? no number was given", "belay show");
            [[fallthrough]];
        case Command::show:
            if (!asked.target.empty() && !is_operation(asked.target))
                return fail(ErrorKind::usage,
                            fmt::format("\"{}\" is not an operation's number", asked.target), "belay show");
            break;
        case Command::image_build:
        case Command::image_key:
        case Command::image_sign:
        case Command::image_verify:
        case Command::image_show:
        case Command::image_expand:
        case Command::image_remove:
        case Command::image_publish:
        case Command::image_withdraw:
            return check_image(asked);
        case Command::parse:
            return check_kind(asked.target);
        case Command::runbook_lint:
        case Command::runbook_plan:
        case Command::runbook_add:
        case Command::runbook_run:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which runbook? no file was named", "belay runbook --help");
            break;
        case Command::config_check:
        case Command::config_diff:
        case Command::config_apply:
        case Command::config_import:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which configuration? no file was named",
                            "belay config --help");
            break;
        case Command::config_edit:
            if (asked.target.empty() || asked.name.empty())
                return fail(ErrorKind::usage, "which object? its type and its name are wanted",
                            "belay config get");
            break;
        case Command::config_revert:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "to which version? no number was given",
                            "belay config history");
            break;
        case Command::messages:
            return check_messages(asked);
        case Command::host_maintenance:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which host? none was named", "belay config get host");
            if (asked.verb != "on" && asked.verb != "off")
                return fail(ErrorKind::usage, "maintenance on or off? neither was said",
                            fmt::format("belay host maintenance {} on", asked.target));
            if (asked.verb == "off" && asked.lasts)
                return fail(ErrorKind::usage, "--for is for maintenance that begins",
                            fmt::format("belay host maintenance {} off", asked.target));
            break;
        case Command::host_revoke:
        case Command::host_rename:
        case Command::host_renew:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which host? none was named", "belay host list");
            if (asked.command == Command::host_rename && asked.name.empty())
                return fail(ErrorKind::usage, "what will it be called? no name was given",
                            fmt::format("belay host rename {} NAME", asked.target));
            break;
        case Command::app_show:
        case Command::app_start:
        case Command::app_stop:
        case Command::app_restart:
        case Command::app_suspend:
        case Command::app_resume:
        case Command::app_log:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which application? none was named", "belay app list");
            break;
        case Command::app_switch_over:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which pair? none was named", "belay app pairs");
            break;
        case Command::solution_plan:
            if (asked.verb != "start" && asked.verb != "stop" && asked.verb != "move")
                return fail(ErrorKind::usage, "what would be done? start, stop or move is wanted",
                            "belay solution plan --help");
            [[fallthrough]];
        case Command::solution_show:
        case Command::solution_start:
        case Command::solution_stop:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which solution? none was named", "belay solution list");
            break;
        case Command::alarm_show:
        case Command::alarm_acknowledge:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which alarm? no number was given", "belay alarms");
            break;
        case Command::alarm_mute:
        case Command::alarm_test:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which alarm? none was named", "belay alarms --conditions");
            if (asked.command == Command::alarm_mute && !asked.lasts)
                return fail(ErrorKind::usage, "for how long? --for was not given",
                            fmt::format("belay alarm mute '{}' --for 2h", asked.target));
            break;
        case Command::account_add:
        case Command::account_password:
        case Command::account_role:
        case Command::account_disable:
        case Command::account_enable:
        case Command::account_remove:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which account? none was named", "belay account list");
            if ((asked.command == Command::account_add || asked.command == Command::account_role) &&
                asked.role.empty())
                return fail(ErrorKind::usage, "what may it? view, operate or administer: none was named",
                            "belay account add --help");
            break;
        case Command::login:
        case Command::logout:
            if (asked.target.empty())
                return fail(ErrorKind::usage, "which site? none was named", "belay login --help");
            break;
        default:
            break;
    }
    if (int{asked.stop} + int{asked.restart} + int{asked.extend.has_value()} > 1)
        return fail(ErrorKind::usage, "only one of --stop, --restart and --extend can be asked for at a time",
                    "belay timer --help");
    if (asked.command == Command::storage_record && asked.file.empty())
        return fail(ErrorKind::usage, "where to? no file was given", "belay storage record host.recording");
    if (asked.command == Command::show && asked.target.empty() && (asked.journal || asked.follow))
        return fail(ErrorKind::usage, "which operation? no number was given", "belay show");
    return {};
}

}  // namespace belay::cli
