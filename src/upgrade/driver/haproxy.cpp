#include "upgrade/driver/haproxy.h"

#include "base/json.h"

#include <algorithm>

namespace belay::upgrade::driver {
namespace {

constexpr Milliseconds socket_answers_for = std::chrono::seconds(8);
constexpr Milliseconds until_drained = std::chrono::minutes(8);
constexpr Milliseconds until_up = std::chrono::seconds(60);
constexpr Milliseconds until_reloaded = std::chrono::seconds(30);

/// The value of a field that HAProxy tells of with its type and its tags.
std::string value_of(const Json& fields, std::string_view name)
{
    for (const Json& field : fields) {
        if (field.at("field").at("name") != name) continue;
        const Json& value = field.at("value").at("value");
        return value.is_string() ? value.get<std::string>() : value.dump();
    }
    return {};
}

uint64_t count_of(const std::string& text)
{
    uint64_t count = 0;
    for (const char c : text.substr(0, 18)) {
        if (c < '0' || c > '9') break;
        count = count * 10 + static_cast<uint64_t>(c - '0');
    }
    return count;
}

}  // namespace

Result<std::vector<HaproxyServer>> parse_haproxy_servers(std::string_view json)
{
    const Json all = TRY(parse_json(json));
    std::vector<HaproxyServer> servers;
    try {
        for (const Json& fields : all) {
            if (fields.empty() || fields.front().at("objType") != "Server") continue;
            servers.push_back({.backend = value_of(fields, "pxname"),
                               .name = value_of(fields, "svname"),
                               .status = value_of(fields, "status"),
                               .sessions = count_of(value_of(fields, "scur")),
                               .is_backup = value_of(fields, "bck") == "1"});
        }
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt,
                    fmt::format("HAProxy's statistics make no sense: {}", problem.what()));
    }
    return servers;
}

Result<HaproxyInfo> parse_haproxy_info(std::string_view json)
{
    const Json fields = TRY(parse_json(json));
    HaproxyInfo info;
    try {
        info = {.version = value_of(fields, "Version"), .worker = count_of(value_of(fields, "Pid"))};
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt,
                    fmt::format("HAProxy's \"show info\" makes no sense: {}", problem.what()));
    }
    if (info.version.empty() || info.worker == 0)
        return fail(ErrorKind::corrupt, "HAProxy's \"show info\" has no version, or no process");
    return info;
}

Result<std::unique_ptr<Haproxy>> Haproxy::make(const Ground& ground, HaproxyAsk ask)
{
    const size_t slash = ask.server.find('/');
    const bool is_plain =
        std::ranges::all_of(ask.server, [](unsigned char c) { return c > 0x20 && c != ';'; });
    if (!ask.server.empty() && (slash == 0 || slash >= ask.server.size() - 1 || !is_plain))
        return fail(ErrorKind::usage, fmt::format("--server {} is not BACKEND/SERVER", ask.server));
    if (!ask.socket.starts_with('/') && !ask.socket.starts_with("ipv4@"))
        return fail(ErrorKind::usage,
                    fmt::format("--socket {} is neither a path nor ipv4@HOST:PORT", ask.socket));
    return std::unique_ptr<Haproxy>(new Haproxy(ground, std::move(ask)));
}

host::Command Haproxy::told(std::string_view line, host::Effect effect) const
{
    host::Command command{.argv = {"nc", "-w", "5"}, .effect = effect, .limit = socket_answers_for};
    command.input = fmt::format("{}\n", line);
    if (ask_.socket.starts_with('/')) {
        command.argv.insert(command.argv.end(), {"-U", ask_.socket});
        return command;
    }
    constexpr std::string_view prefix = "ipv4@";
    const size_t colon = ask_.socket.rfind(':');
    command.argv.push_back(ask_.socket.substr(prefix.size(), colon - prefix.size()));
    command.argv.push_back(colon == std::string::npos ? "" : ask_.socket.substr(colon + 1));
    return command;
}

Result<std::string> Haproxy::say(std::string_view line, host::Effect effect)
{
    const host::Outcome said = TRY(ground_.host.run(told(line, effect)));
    if (said.exit_code != 0)
        return fail(ErrorKind::unavailable, fmt::format("HAProxy does not answer at {}", ask_.socket));
    return said.out;
}

host::Command Haproxy::state_command(std::string_view state) const
{
    return told(fmt::format("set server {} state {}", ask_.server, state), host::Effect::changes);
}

Result<void> Haproxy::set_state(std::string_view state)
{
    const std::string said =
        TRY(say(fmt::format("set server {} state {}", ask_.server, state), host::Effect::changes));
    const size_t text = said.find_first_not_of('\n');
    if (text == std::string::npos) return {};
    return fail(ErrorKind::refused,
                fmt::format("HAProxy: {}", said.substr(text, said.find('\n', text) - text)));
}

Result<Haproxy::Servers> Haproxy::servers()
{
    const std::string said = TRY(say("show stat json"));
    const std::vector<HaproxyServer> all = TRY(parse_haproxy_servers(said));
    const std::string backend = ask_.server.substr(0, ask_.server.find('/'));
    Servers servers;
    for (const HaproxyServer& one : all) {
        if (one.backend + '/' + one.name == ask_.server)
            servers.own = one;
        else if (one.backend == backend && one.is_up())
            servers.instead = one.name;
    }
    if (servers.own.name.empty())
        return fail(ErrorKind::not_found, fmt::format("HAProxy has no server {}", ask_.server));
    return servers;
}

Result<HaproxyInfo> Haproxy::info()
{
    const std::string said = TRY(say("show info json"));
    return parse_haproxy_info(said);
}

Result<Look> Haproxy::look_at_server()
{
    const Servers servers = TRY(this->servers());
    const HaproxyServer& own = servers.own;
    Look look{.says = fmt::format("{} is {}, {} sessions", ask_.server, own.status, own.sessions),
              .peer = servers.instead.empty() ? Reach::unreachable : Reach::reachable,
              .offers = {Verb::drain, Verb::undrain}};
    if (own.is_drained()) {
        look.role = Role::standby;
    } else if (own.is_up()) {
        const bool waits = own.is_backup && !servers.instead.empty();
        look.role = waits ? Role::standby : Role::active;
        look.hot = waits || !servers.instead.empty();
    }
    const std::optional<Process> process = TRY(service_.look());
    if (process) {
        look.version = process->version;
        look.runs_from = process->program;
    }
    look.starts_by_itself = TRY(service_.starts_by_itself());
    return look;
}

Result<Look> Haproxy::look()
{
    if (!ask_.server.empty()) return look_at_server();
    const std::optional<Process> process = TRY(service_.look());
    Look look{.says = "HAProxy does not run", .offers = {Verb::renew}};
    look.starts_by_itself = TRY(service_.starts_by_itself());
    if (!process) return look;
    const HaproxyInfo info = TRY(this->info());
    look.role = Role::active;
    look.says = fmt::format("runs, its worker is process {}", info.worker);
    look.version = info.version;
    look.runs_from = process->program;
    return look;
}

Result<void> Haproxy::demand_server(Verb verb) const
{
    if (!ask_.server.empty()) return {};
    return fail(ErrorKind::refused,
                fmt::format("{} is for a server behind HAProxy, named by --server", name_of(verb)),
                "the keepalived driver moves HAProxy itself");
}

Result<void> Haproxy::drain()
{
    TRY(demand_server(Verb::drain));
    Servers now = TRY(servers());
    if (now.own.status.starts_with("MAINT") && now.own.sessions == 0) return {};
    if (now.instead.empty())
        return fail(ErrorKind::refused, fmt::format("no other server of {} is up", ask_.server));
    TRY(set_state("drain"));
    const bool is_empty = TRY(comes_true(ground_, until_drained, [&]() -> Result<bool> {
        now = TRY(servers());
        return now.own.sessions == 0;
    }));
    if (!is_empty) {
        TRY(set_state("ready"));
        return fail(ErrorKind::timeout, fmt::format("{} still has {} sessions, and gets work again",
                                                    ask_.server, now.own.sessions));
    }
    return set_state("maint");
}

Result<void> Haproxy::undrain()
{
    TRY(demand_server(Verb::undrain));
    TRY(set_state("ready"));
    Servers now;
    const bool is_up = TRY(comes_true(ground_, until_up, [&]() -> Result<bool> {
        now = TRY(servers());
        return now.own.is_up();
    }));
    if (is_up) return {};
    return fail(ErrorKind::failed,
                fmt::format("{} gets work again when it is up, and is {}", ask_.server, now.own.status));
}

Result<void> Haproxy::stand_by()
{
    TRY(demand_server(Verb::stand_by));
    return drain();
}

Result<void> Haproxy::restart()
{
    TRY(demand_server(Verb::restart));
    const Servers now = TRY(servers());
    const bool waits = now.own.is_backup && !now.instead.empty() && now.own.sessions == 0;
    if (!now.own.is_drained() && !waits)
        return fail(ErrorKind::refused, fmt::format("{} is {}: it serves", ask_.server, now.own.status),
                    "drain comes first");
    return service_.restart();
}

Result<std::vector<host::Command>> Haproxy::reload()
{
    using host::Effect;
    if (!ask_.service.unit.empty())
        return std::vector<host::Command>{
            {.argv = {"systemctl", "reload", ask_.service.unit}, .effect = Effect::changes}};
    const std::optional<Process> master = TRY(service_.look());
    if (!master) return fail(ErrorKind::refused, "HAProxy does not run");
    return std::vector<host::Command>{signal_to(master->pid, "USR2")};
}

Result<void> Haproxy::renew()
{
    if (!ask_.server.empty()) return Driver::renew();
    const HaproxyInfo before = TRY(info());
    const std::vector<host::Command> commands = TRY(reload());
    for (const host::Command& command : commands) TRY(host::run_checked(ground_.host, command));
    const bool is_new = TRY(comes_true(ground_, until_reloaded, [&]() -> Result<bool> {
        const Result<HaproxyInfo> now = info();
        return now && now->worker != before.worker;
    }));
    if (is_new) return {};
    return fail(ErrorKind::failed,
                fmt::format("no new worker came: process {} goes on with what it had", before.worker),
                "haproxy -c -f its configuration");
}

Result<std::vector<std::string>> Haproxy::commands(Verb verb)
{
    std::vector<std::string> lines;
    const bool is_server = !ask_.server.empty();
    if (is_server && (verb == Verb::drain || verb == Verb::stand_by)) {
        lines = {state_command("drain").to_text(), told("show stat json", host::Effect::reads).to_text(),
                 state_command("maint").to_text()};
    } else if (is_server && verb == Verb::undrain) {
        lines = {state_command("ready").to_text()};
    } else if (is_server && verb == Verb::restart) {
        return service_.restart_commands();
    } else if (!is_server && verb == Verb::renew) {
        const std::vector<host::Command> commands = TRY(reload());
        for (const host::Command& command : commands) lines.push_back(command.to_text());
    }
    return lines;
}

}  // namespace belay::upgrade::driver
