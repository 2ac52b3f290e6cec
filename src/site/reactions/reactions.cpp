#include "site/reactions/reactions.h"

#include "base/wipe.h"
#include "framework/alarms/template.h"
#include "framework/configuration/endpoint.h"
#include "site/reactions/errand.h"

#include <algorithm>

namespace belay::site {
namespace {

using framework::alarms::Alarm;
using framework::alarms::Deed;
using framework::configuration::Configuration;
using framework::configuration::Id;
using framework::configuration::Object;

constexpr size_t most_said = 300;  ///< bytes of what a program said that are kept
/// Between libcurl's own limit and the one at which the whole program is killed.
constexpr Milliseconds before_killed{5000};

/// The last line of what a program said, for a sentence.
std::string last_line(std::string_view text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    const size_t begin = text.rfind('\n');
    std::string line(begin == std::string_view::npos ? text : text.substr(begin + 1));
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, '?');
    if (line.size() > most_said) line.resize(most_said);
    return line;
}

Milliseconds limit_of(const Object& script)
{
    return Milliseconds(script.value("timeout").get<int64_t>());
}

const Object* referred(const Configuration& configuration, const Object& script, const char* attribute)
{
    return configuration.find(script.attributes.value(attribute, Id{0}));
}

std::string body_for(const Object& script, const Alarm& alarm)
{
    const std::string body = script.text("body");
    return body.empty() ? standard_body(alarm) : framework::alarms::filled(body, values_of(alarm));
}

/// An environment holds no zero byte, and is no place for a text without end.
std::string for_environment(std::string text)
{
    constexpr size_t most = 4 << 10;
    std::erase(text, '\0');
    if (text.size() > most) text.resize(most);
    return text;
}

std::string verb_of(const std::string& kind)
{
    return kind == "start" || kind == "stop" || kind == "restart" ? kind : std::string();
}

}  // namespace

bool is_worth_another(ErrorKind kind)
{
    switch (kind) {
        case ErrorKind::unavailable:
        case ErrorKind::busy:
        case ErrorKind::timeout:
        case ErrorKind::failed:
        case ErrorKind::lost:
        case ErrorKind::no_space:
        case ErrorKind::io:
            return true;
        case ErrorKind::usage:
        case ErrorKind::not_found:
        case ErrorKind::refused:
        case ErrorKind::permission:
        case ErrorKind::version:
        case ErrorKind::corrupt:
        case ErrorKind::dead:
            return false;
    }
    return false;
}

Result<std::string> run_errand(host::Host& host, const std::string& program, const Json& errand,
                               Milliseconds limit)
{
    // The host runs bare names alone; env(1) is one, and knows paths.
    host::Command command{.argv = {"env", program},
                          .effect = host::Effect::changes,
                          .input = json_text(errand) + "\n",
                          .limit = limit};
    const Result<host::Outcome> outcome = host.run(command);
    wipe(command.input);
    if (!outcome) {
        // Its own sentence could hold the input.
        if (outcome.error().kind == ErrorKind::timeout)
            return fail(ErrorKind::timeout, fmt::format("it took longer than {}", to_text(limit)));
        return fail(outcome.error().kind, fmt::format("{} cannot be run", program));
    }
    std::string said = last_line(outcome->err.empty() ? outcome->out : outcome->err);
    if (outcome->exit_code == 0) return said;
    const bool is_command = errand.value("kind", "") == "command";
    if (!is_command && outcome->exit_code == react::not_now) return fail(ErrorKind::unavailable, said);
    if (!is_command && outcome->exit_code == react::never) return fail(ErrorKind::refused, said);
    return fail(ErrorKind::failed,
                fmt::format("it ended with {}{}{}", outcome->exit_code, said.empty() ? "" : ": ", said));
}

Result<std::string> Reactions::opened(const Object& object, const char* attribute) const
{
    const std::string sealed = object.text(attribute);
    if (sealed.empty()) return std::string();
    return options_.unseal(sealed);
}

Result<std::string> Reactions::command(const Configuration& configuration, const Object& script,
                                       const Alarm& alarm) const
{
    Json environment = Json::object();
    for (const auto& [name, value] : values_of(alarm)) {
        std::string variable = name == "alarm" ? "BELAY_ALARM" : "BELAY_ALARM_" + name;
        std::ranges::transform(variable, variable.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        environment[variable] = for_environment(value);
    }
    const Json errand = {{"kind", "command"},
                         {"argv", script.value("command")},
                         {"user", script.text("user")},
                         {"environment", std::move(environment)}};
    const Object* const host = referred(configuration, script, "host");
    const std::string said = host == nullptr || host->name == options_.controls.own_host()
                                 ? TRY(run_errand(options_.host, options_.program, errand, limit_of(script)))
                                 : TRY(options_.controls.run_on(host->name, errand, limit_of(script)));
    return said.empty() ? std::string("the command ended well")
                        : fmt::format("the command ended well: {}", said);
}

Result<std::string> Reactions::mail(const Configuration& configuration, const Object& script,
                                    const Alarm& alarm, const Deed& deed) const
{
    const Object* const relay = referred(configuration, script, "relay");
    const Json to = script.value("to");
    if (relay == nullptr || relay->disabled)
        return fail(ErrorKind::refused, fmt::format("the script \"{}\" has no relay", script.name),
                    fmt::format("belay config edit script '{}'", script.name));
    const auto server = TRY(framework::configuration::parse_endpoint(relay->text("server")));
    Letter letter{.from = relay->text("from"),
                  .to = to.is_array() ? to.get<std::vector<std::string>>() : std::vector<std::string>(),
                  .subject = fmt::format("[{}] {}{}{}: {}", name_of(alarm.severity), alarm.key.condition,
                                         alarm.key.host.empty() ? "" : " on ", alarm.key.host, alarm.text),
                  .body = body_for(script, alarm),
                  .id = key_of(alarm, deed),
                  .at = options_.wall()};
    TRY(framework::configuration::check_mail_address(letter.from));
    for (const std::string& address : letter.to) TRY(framework::configuration::check_mail_address(address));
    Json errand = {{"kind", "mail"},
                   {"server", server.host},
                   {"port", server.port},
                   {"tls", relay->value("tls")},
                   {"ca", relay->text("ca")},
                   {"account", relay->text("account")},
                   {"from", letter.from},
                   {"to", letter.to},
                   {"message", message_of(letter)},
                   {"limit_ms", limit_of(script).count()}};
    errand["password"] = TRY(opened(*relay, "password"));
    Result<std::string> said =
        run_errand(options_.host, options_.program, errand, limit_of(script) + before_killed);
    wipe(errand["password"].get_ref<std::string&>());
    if (!said) return said;
    return fmt::format("{} took the mail to {}", relay->text("server"), fmt::join(letter.to, ", "));
}

Result<std::string> Reactions::webhook(const Object& script, const Alarm& alarm, const Deed& deed) const
{
    const std::string url = script.text("url");
    TRY(framework::configuration::check_url(url, script.attributes.contains("token")));
    Json body = alarm;
    body.erase("reactions");
    body["body"] = body_for(script, alarm);
    Json errand = {{"kind", "webhook"},          {"url", url},
                   {"ca", script.text("ca")},    {"body", json_text(body)},
                   {"key", key_of(alarm, deed)}, {"limit_ms", limit_of(script).count()}};
    errand["token"] = TRY(opened(script, "token"));
    Result<std::string> said =
        run_errand(options_.host, options_.program, errand, limit_of(script) + before_killed);
    wipe(errand["token"].get_ref<std::string&>());
    return said;
}

Result<std::string> Reactions::by_controls(const Configuration& configuration, const Object& script,
                                           const Alarm& alarm) const
{
    const std::string kind = script.text("kind");
    const std::string why = fmt::format("alarm {}: {}", alarm.number, alarm.key.condition);
    if (kind == "switch-over") {
        const Object* const pair = referred(configuration, script, "pair");
        if (pair == nullptr) return fail(ErrorKind::refused, "its pair is not configured any more");
        return options_.controls.switch_over(pair->name, why);
    }
    if (kind == "operation") {
        const Json arguments = script.value("arguments");
        return options_.controls.begin_operation(script.text("procedure"),
                                                 arguments.is_object()
                                                     ? arguments.get<std::map<std::string, std::string>>()
                                                     : std::map<std::string, std::string>(),
                                                 why);
    }
    const Object* const application = referred(configuration, script, "application");
    const std::string name = application != nullptr ? application->name : alarm.key.application;
    if (name.empty())
        return fail(
            ErrorKind::refused,
            fmt::format("the alarm is about no application, and the script \"{}\" names none", script.name),
            fmt::format("belay config edit script '{}'", script.name));
    return options_.controls.order(name, verb_of(kind), why);
}

Result<std::string> Reactions::perform(const Alarm& alarm, const Deed& deed)
{
    const auto configuration = options_.configuration();
    const Object* const script = configuration ? configuration->find(deed.script) : nullptr;
    if (!configuration) return fail(ErrorKind::unavailable, "the configuration is not known yet");
    if (script == nullptr || script->type != "script" || script->disabled)
        return fail(ErrorKind::refused,
                    fmt::format("the script \"{}\" is not configured any more", deed.name));
    const std::string kind = script->text("kind");
    if (kind == "command") return command(*configuration, *script, alarm);
    if (kind == "mail") return mail(*configuration, *script, alarm, deed);
    if (kind == "webhook") return webhook(*script, alarm, deed);
    return by_controls(*configuration, *script, alarm);
}

std::string Reactions::outlook(const Alarm& alarm, const Deed& deed) const
{
    const auto configuration = options_.configuration();
    const Object* const script = configuration ? configuration->find(deed.script) : nullptr;
    if (script == nullptr) return "nothing: it is not configured any more";
    const std::string kind = script->text("kind");
    const Object* const host = referred(*configuration, *script, "host");
    const Object* const pair = referred(*configuration, *script, "pair");
    const Object* const application = referred(*configuration, *script, "application");
    if (kind == "command") {
        const Json argv = script->value("command");
        return fmt::format("runs {} on {}{}", json_text(argv),
                           host == nullptr ? options_.controls.own_host() : host->name,
                           script->text("user").empty() ? "" : fmt::format(" as {}", script->text("user")));
    }
    if (kind == "mail") {
        const Object* const relay = referred(*configuration, *script, "relay");
        return fmt::format("mails to {} by {}", json_text(script->value("to")),
                           relay == nullptr ? "nobody" : relay->text("server"));
    }
    if (kind == "webhook") return fmt::format("posts to {}", script->text("url"));
    if (kind == "switch-over")
        return fmt::format("switches over {}", pair == nullptr ? "nothing" : pair->name);
    if (kind == "operation") return fmt::format("begins {}", script->text("procedure"));
    const std::string name = application != nullptr ? application->name : alarm.key.application;
    return fmt::format("{}s {}", kind, name.empty() ? "the application that raised it" : name);
}

}  // namespace belay::site
