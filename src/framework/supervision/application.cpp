#include "framework/supervision/application.h"

#include <algorithm>
#include <array>

namespace belay::framework::supervision {
namespace {

constexpr std::array question_kinds = {"running", "notify", "port", "http", "command"};
constexpr std::array gate_kinds = {"file", "port", "application"};
constexpr std::array role_names = {"none", "primary", "backup"};
constexpr std::array word_names = {"primary", "backup", "drain", "serve"};
constexpr std::array orders_kinds = {"none", "pipe", "signals", "command"};
constexpr std::array autorestart_kinds = {"always", "on-failure", "never"};

template <typename Enum, size_t Count>
Enum named(const Json& json, const std::array<const char*, Count>& names)
{
    const auto found = std::ranges::find(names, json.get<std::string>());
    if (found == names.end()) throw Json::other_error::create(501, "there is no " + json.dump(), &json);
    return static_cast<Enum>(found - names.begin());
}

template <typename Enum, size_t Count>
const char* name_in(Enum value, const std::array<const char*, Count>& names)
{
    return names.at(static_cast<size_t>(value));
}

template <typename T>
void read(const Json& json, const char* name, T& into)
{
    if (const auto found = json.find(name); found != json.end()) found->get_to(into);
}

void read(const Json& json, const char* name, Milliseconds& into)
{
    if (const auto found = json.find(name); found != json.end()) into = Milliseconds(found->get<int64_t>());
}

template <typename T>
void read(const Json& json, const char* name, std::optional<T>& into)
{
    if (const auto found = json.find(name); found != json.end()) {
        T value{};
        read(json, name, value);
        into = std::move(value);
    }
}

void write(Json& json, const char* name, const std::optional<Milliseconds>& span)
{
    if (span) json[name] = span->count();
}

template <typename T>
void write(Json& json, const char* name, const std::optional<T>& value)
{
    if (value) json[name] = *value;
}

void to_json(Json& json, const Question& question)
{
    json = {{"kind", name_in(question.kind, question_kinds)},
            {"address", question.address},
            {"port", question.port},
            {"path", question.path},
            {"command", question.command},
            {"interval", question.interval.count()},
            {"timeout", question.timeout.count()},
            {"failures", question.failures}};
}

Question question_from(const Json& json)
{
    Question question;
    question.kind = named<Question::Kind>(json.at("kind"), question_kinds);
    read(json, "address", question.address);
    read(json, "port", question.port);
    read(json, "path", question.path);
    read(json, "command", question.command);
    read(json, "interval", question.interval);
    read(json, "timeout", question.timeout);
    read(json, "failures", question.failures);
    return question;
}

Json json_of(const Gate& gate)
{
    Json json = {{"kind", name_in(gate.kind, gate_kinds)},
                 {"path", gate.path},
                 {"valid_until", gate.valid_until},
                 {"address", gate.address},
                 {"port", gate.port},
                 {"application", gate.application},
                 {"name", gate.name}};
    if (gate.restart_when_renewed) json["restart_when_renewed"] = true;
    write(json, "timeout", gate.timeout);
    return json;
}

Gate gate_from(const Json& json)
{
    Gate gate;
    gate.kind = named<Gate::Kind>(json.at("kind"), gate_kinds);
    read(json, "path", gate.path);
    read(json, "valid_until", gate.valid_until);
    read(json, "address", gate.address);
    read(json, "port", gate.port);
    read(json, "application", gate.application);
    read(json, "name", gate.name);
    read(json, "restart_when_renewed", gate.restart_when_renewed);
    read(json, "timeout", gate.timeout);
    return gate;
}

Json json_of(const HeldSocket& socket)
{
    return {{"name", socket.name},
            {"address", socket.address},
            {"port", socket.port},
            {"datagrams", socket.datagrams},
            {"nonblocking", socket.nonblocking}};
}

HeldSocket socket_from(const Json& json)
{
    HeldSocket socket;
    read(json, "name", socket.name);
    read(json, "address", socket.address);
    read(json, "port", socket.port);
    read(json, "datagrams", socket.datagrams);
    read(json, "nonblocking", socket.nonblocking);
    return socket;
}

Json json_of(const Limits& limits)
{
    Json json = Json::object();
    write(json, "memory", limits.memory);
    write(json, "processor", limits.processor);
    write(json, "processes", limits.processes);
    write(json, "open_files", limits.open_files);
    return json;
}

Limits limits_from(const Json& json)
{
    Limits limits;
    read(json, "memory", limits.memory);
    read(json, "processor", limits.processor);
    read(json, "processes", limits.processes);
    read(json, "open_files", limits.open_files);
    return limits;
}

Json json_of(const Orders& orders)
{
    return {{"kind", name_in(orders.kind, orders_kinds)},
            {"primary", orders.primary},
            {"backup", orders.backup},
            {"drain", orders.drain},
            {"serve", orders.serve},
            {"command", orders.command}};
}

Orders orders_from(const Json& json)
{
    Orders orders;
    orders.kind = named<Orders::Kind>(json.at("kind"), orders_kinds);
    read(json, "primary", orders.primary);
    read(json, "backup", orders.backup);
    read(json, "drain", orders.drain);
    read(json, "serve", orders.serve);
    read(json, "command", orders.command);
    return orders;
}

Json json_of(const Sandbox& sandbox)
{
    Json json = {{"no_new_privileges", sandbox.no_new_privileges},
                 {"private_tmp", sandbox.private_tmp},
                 {"read_only", sandbox.read_only}};
    write(json, "capabilities", sandbox.capabilities);
    return json;
}

Sandbox sandbox_from(const Json& json)
{
    Sandbox sandbox;
    read(json, "no_new_privileges", sandbox.no_new_privileges);
    read(json, "private_tmp", sandbox.private_tmp);
    read(json, "read_only", sandbox.read_only);
    read(json, "capabilities", sandbox.capabilities);
    return sandbox;
}

template <typename T>
Json list_of(const std::vector<T>& values)
{
    Json list = Json::array();
    for (const T& value : values) list.push_back(json_of(value));
    return list;
}

template <typename T>
void read_list(const Json& json, const char* name, std::vector<T>& into, T (*from)(const Json&))
{
    const auto found = json.find(name);
    if (found == json.end()) return;
    for (const Json& one : *found) into.push_back(from(one));
}

Application read_application(const Json& json)
{
    Application application;
    json.at("id").get_to(application.id);
    json.at("name").get_to(application.name);
    json.at("command").get_to(application.command);
    if (const auto image = json.find("image"); image != json.end())
        application.image = Image{.name = image->at("name").get<std::string>(),
                                  .version = image->at("version").get<std::string>(),
                                  .folder = image->at("folder").get<std::string>()};
    read(json, "working_directory", application.working_directory);
    read(json, "user", application.user);
    read(json, "environment", application.environment);
    read_list(json, "sockets", application.sockets, socket_from);
    read_list(json, "gates", application.gates, gate_from);
    if (json.contains("readiness")) application.readiness = question_from(json["readiness"]);
    if (json.contains("health")) application.health = question_from(json["health"]);
    read(json, "heartbeat", application.heartbeat);
    read(json, "restart_when_hung", application.restart_when_hung);
    if (json.contains("autorestart"))
        application.autorestart = named<Autorestart>(json["autorestart"], autorestart_kinds);
    if (const auto nonstop = json.find("nonstop"); nonstop != json.end()) {
        nonstop->at("failures").get_to(application.nonstop.failures);
        application.nonstop.within = Milliseconds(nonstop->at("within").get<int64_t>());
    }
    read(json, "restart_delay", application.restart_delay);
    read(json, "restart_delay_most", application.restart_delay_most);
    read(json, "start_timeout", application.start_timeout);
    read(json, "drain_timeout", application.drain_timeout);
    read(json, "shutdown_timeout", application.shutdown_timeout);
    read(json, "stop_signal", application.stop_signal);
    read(json, "stop_command", application.stop_command);
    read(json, "reload_signal", application.reload_signal);
    if (json.contains("orders")) application.orders = orders_from(json["orders"]);
    if (const auto pair = json.find("pair"); pair != json.end())
        application.pair = Pairing{.pair = pair->at("pair").get<int64_t>(),
                                   .other = pair->at("other").get<ApplicationId>(),
                                   .is_cold = pair->at("cold").get<bool>(),
                                   .address = pair->at("address").get<std::string>(),
                                   .interface = pair->at("interface").get<std::string>(),
                                   .overlaps = pair->value("overlaps", false)};
    if (json.contains("limits")) application.limits = limits_from(json["limits"]);
    if (json.contains("sandbox")) application.sandbox = sandbox_from(json["sandbox"]);
    return application;
}

}  // namespace

std::string_view name_of(Role role)
{
    return name_in(role, role_names);
}

std::string_view name_of(Word word)
{
    return name_in(word, word_names);
}

std::string_view name_of(Question::Kind kind)
{
    return name_in(kind, question_kinds);
}

std::string to_text(const Gate& gate)
{
    if (gate.kind == Gate::Kind::port) return fmt::format("port {} of {}", gate.port, gate.address);
    if (gate.kind == Gate::Kind::application) return fmt::format("application {}", gate.name);
    return gate.valid_until.empty() ? fmt::format("file {}", gate.path)
                                    : fmt::format("file {}, valid until {}", gate.path, gate.valid_until);
}

bool Application::notifies() const
{
    return readiness.kind == Question::Kind::notify || heartbeat.has_value() ||
           orders.kind != Orders::Kind::none;
}

bool Application::differs_for_next_start(const Application& other) const
{
    return command != other.command || image != other.image || working_directory != other.working_directory ||
           user != other.user || environment != other.environment || sockets != other.sockets ||
           sandbox != other.sandbox || limits.open_files != other.limits.open_files ||
           notifies() != other.notifies() || pair.has_value() != other.pair.has_value() ||
           (orders.kind == Orders::Kind::pipe) != (other.orders.kind == Orders::Kind::pipe);
}

namespace {

Json whole_json(const Application& application)
{
    Json json;
    Json readiness;
    Json health;
    to_json(readiness, application.readiness);
    to_json(health, application.health);
    json = {{"id", application.id},
            {"name", application.name},
            {"command", application.command},
            {"working_directory", application.working_directory},
            {"user", application.user},
            {"environment", application.environment},
            {"sockets", list_of(application.sockets)},
            {"gates", list_of(application.gates)},
            {"readiness", std::move(readiness)},
            {"health", std::move(health)},
            {"restart_when_hung", application.restart_when_hung},
            {"autorestart", name_in(application.autorestart, autorestart_kinds)},
            {"nonstop",
             {{"failures", application.nonstop.failures}, {"within", application.nonstop.within.count()}}},
            {"restart_delay", application.restart_delay.count()},
            {"restart_delay_most", application.restart_delay_most.count()},
            {"start_timeout", application.start_timeout.count()},
            {"drain_timeout", application.drain_timeout.count()},
            {"shutdown_timeout", application.shutdown_timeout.count()},
            {"stop_signal", application.stop_signal},
            {"stop_command", application.stop_command},
            {"reload_signal", application.reload_signal},
            {"orders", json_of(application.orders)},
            {"limits", json_of(application.limits)},
            {"sandbox", json_of(application.sandbox)}};
    write(json, "heartbeat", application.heartbeat);
    if (application.image)
        json["image"] = {{"name", application.image->name},
                         {"version", application.image->version},
                         {"folder", application.image->folder}};
    if (application.pair)
        json["pair"] = {{"pair", application.pair->pair},           {"other", application.pair->other},
                        {"cold", application.pair->is_cold},        {"address", application.pair->address},
                        {"interface", application.pair->interface}, {"overlaps", application.pair->overlaps}};
    return json;
}

}  // namespace

/// A supervisor keeps a thousand of these in memory: what goes without saying is not said.
void to_json(Json& json, const Application& application)
{
    static const Json standard = whole_json({});
    json = whole_json(application);
    for (const auto& [name, value] : standard.items()) {
        const bool is_named = name == "id" || name == "name" || name == "command";
        if (!is_named && json[name] == value) json.erase(name);
    }
}

Result<Application> application_from(const Json& json)
{
    try {
        Application application = read_application(json);
        if (application.command.empty() || application.command.front().empty())
            return fail(ErrorKind::corrupt, fmt::format("application {} has no command", application.id));
        return application;
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("this describes no application: {}", problem.what()));
    }
}

}  // namespace belay::framework::supervision
