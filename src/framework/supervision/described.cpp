#include "framework/supervision/described.h"

#include "framework/configuration/effective.h"

#include <algorithm>
#include <charconv>

namespace belay::framework::supervision {
namespace {

using configuration::Configuration;
using configuration::Object;

constexpr std::string_view this_host = "127.0.0.1";

Milliseconds span_of(const Object& object, std::string_view attribute)
{
    return Milliseconds(object.value(attribute).get<int64_t>());
}

template <typename T>
std::optional<T> number_of(const Json& value)
{
    return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

int signal_named(std::string_view name)
{
    if (!name.starts_with("SIG")) return 0;
    for (int number = 1; number < SIGRTMIN; ++number) {
        const char* const known = sigabbrev_np(number);
        if (known != nullptr && name.substr(3) == known) return number;
    }
    return 0;
}

/// "6/10s", or "0".
Nonstop nonstop_of(const std::string& text)
{
    Nonstop nonstop;
    const size_t slash = text.find('/');
    std::from_chars(text.data(), text.data() + std::min(slash, text.size()), nonstop.failures);
    if (slash == std::string::npos) return nonstop;
    // The form was checked when it was configured.
    if (const Result<Milliseconds> span = parse_span(text.substr(slash + 1))) nonstop.within = *span;
    return nonstop;
}

/// The port of that name; without a name the first. Null: it has none.
const Json* port_of(const Object& application, std::string_view name)
{
    const auto ports = application.attributes.find("ports");
    if (ports == application.attributes.end()) return nullptr;
    for (const Json& port : *ports) {
        if (name.empty() || port.value("name", "") == name) return &port;
    }
    return nullptr;
}

Question question_of(const Object& application, std::string_view attribute)
{
    const auto field = [&](std::string_view name) {
        return application.value(fmt::format("{}.{}", attribute, name));
    };
    const auto text = [&](std::string_view name) {
        const Json value = field(name);
        return value.is_string() ? value.get<std::string>() : std::string();
    };
    Question question;
    for (const auto kind :
         {Question::Kind::notify, Question::Kind::port, Question::Kind::http, Question::Kind::command}) {
        if (text("kind") == name_of(kind)) question.kind = kind;
    }
    question.path = text("path");
    if (const Json command = field("command"); command.is_array()) command.get_to(question.command);
    question.interval = Milliseconds(field("interval").get<int64_t>());
    question.timeout = Milliseconds(field("timeout").get<int64_t>());
    question.failures = field("failures").get<uint32_t>();
    if (const Json* const port = port_of(application, text("port"))) {
        question.port = port->value("port", uint16_t{0});
        question.address = port->value("address", "");
    }
    if (question.address.empty()) question.address = this_host;
    return question;
}

Gate gate_of(const Configuration& configuration, const Json& prerequisite)
{
    Gate gate;
    const std::string kind = prerequisite.value("kind", "");
    if (kind == "port") gate.kind = Gate::Kind::port;
    if (kind == "application") gate.kind = Gate::Kind::application;
    gate.path = prerequisite.value("path", "");
    gate.valid_until = prerequisite.value("valid_until", "");
    gate.restart_when_renewed = prerequisite.value("when_renewed", "") == "restart";
    gate.address = prerequisite.value("address", "");
    gate.port = prerequisite.value("port", uint16_t{0});
    gate.application = prerequisite.value("application", ApplicationId{0});
    if (const Object* const other = configuration.find(gate.application)) gate.name = other->name;
    if (prerequisite.contains("timeout")) gate.timeout = Milliseconds(prerequisite["timeout"].get<int64_t>());
    return gate;
}

void take_ports(const Object& object, Application& application)
{
    const auto ports = object.attributes.find("ports");
    if (ports == object.attributes.end()) return;
    for (const Json& port : *ports) {
        if (!port.value("held", false)) continue;
        application.sockets.push_back({.name = port.value("name", ""),
                                       .address = port.value("address", ""),
                                       .port = port.value("port", uint16_t{0}),
                                       .datagrams = port.value("protocol", "tcp") == "udp",
                                       .nonblocking = port.value("nonblocking", false)});
    }
}

void take_limits(const Object& object, Application& application)
{
    application.limits = {.memory = number_of<uint64_t>(object.value("limits.memory")),
                          .processor = number_of<uint64_t>(object.value("limits.processor")),
                          .processes = number_of<uint64_t>(object.value("limits.processes")),
                          .open_files = number_of<uint64_t>(object.value("limits.open_files"))};
    Sandbox& sandbox = application.sandbox;
    sandbox.no_new_privileges = object.value("sandbox.no_new_privileges").get<bool>();
    sandbox.private_tmp = object.value("sandbox.private_tmp").get<bool>();
    if (const Json names = object.value("sandbox.capabilities"); names.is_array())
        sandbox.capabilities = names.get<std::vector<std::string>>();
    if (const Json paths = object.value("sandbox.read_only"); paths.is_array())
        paths.get_to(sandbox.read_only);
}

void take_life(const Object& object, Application& application)
{
    const std::string autorestart = object.text("autorestart");
    if (autorestart == "always") application.autorestart = Autorestart::always;
    if (autorestart == "never") application.autorestart = Autorestart::never;
    application.nonstop = nonstop_of(object.text("nonstop"));
    application.restart_delay = span_of(object, "restart_delay");
    application.restart_delay_most = span_of(object, "restart_delay_most");
    application.start_timeout = span_of(object, "start_timeout");
    application.drain_timeout = span_of(object, "drain_timeout");
    application.shutdown_timeout = span_of(object, "shutdown_timeout");
    application.stop_signal = signal_named(object.text("stop_signal"));
    application.reload_signal = signal_named(object.text("reload_signal"));
    if (const Json command = object.value("stop_command"); command.is_array())
        command.get_to(application.stop_command);
    if (const Json heartbeat = object.value("heartbeat"); !heartbeat.is_null())
        application.heartbeat = Milliseconds(heartbeat.get<int64_t>());
    application.restart_when_hung = object.text("when_hung") != "notify";
}

void take_orders(const Object& object, Application& application)
{
    const auto text = [&](std::string_view name) {
        const Json value = object.value(fmt::format("orders.{}", name));
        return value.is_string() ? value.get<std::string>() : std::string();
    };
    Orders& orders = application.orders;
    const std::string kind = text("kind");
    if (kind == "pipe") orders.kind = Orders::Kind::pipe;
    if (kind == "signals") orders.kind = Orders::Kind::signals;
    if (kind == "command") orders.kind = Orders::Kind::command;
    orders.primary = signal_named(text("primary"));
    orders.backup = signal_named(text("backup"));
    orders.drain = signal_named(text("drain"));
    orders.serve = signal_named(text("serve"));
    if (const Json command = object.value("orders.command"); command.is_array())
        command.get_to(orders.command);
}

Result<void> take_environment(const Object& object, Application& application, const Unseal& unseal)
{
    if (const Json plain = object.value("environment"); plain.is_object()) {
        for (const auto& [name, value] : plain.items())
            application.environment.emplace_back(name, value.get<std::string>());
    }
    const Json secret = object.value("secret_environment");
    if (!secret.is_object()) return {};
    for (const auto& [name, value] : secret.items()) {
        std::string opened = TRY(unseal(value.get_ref<const std::string&>()));
        application.environment.emplace_back(name, std::move(opened));
    }
    return {};
}

/// A program that is named without a slash at its beginning is a file of the image.
Result<void> take_image(const Object& object, Application& application, const Images& images)
{
    const std::string name = object.text("image");
    if (name.empty()) return {};
    const auto installed = images.find(name);
    if (installed == images.end())
        return fail(ErrorKind::not_found, fmt::format("the image {} is not installed on this host", name));
    const Image& image = installed->second;
    std::string& program = application.command.front();
    if (!program.starts_with('/')) program = fmt::format("{}/{}", image.folder, program);
    if (!object.attributes.contains("working_directory")) application.working_directory = image.folder;
    application.environment.emplace_back("BELAY_IMAGE_FOLDER", image.folder);
    application.environment.emplace_back("BELAY_IMAGE_VERSION", image.version);
    application.image = image;
    return {};
}

/// Who is on one host with its other decides with nobody else.
Json own_pair(const Object& pair, ApplicationId host)
{
    const auto primary = pair.attributes.value("primary", ApplicationId{0});
    const auto backup = pair.attributes.value("backup", ApplicationId{0});
    return {{"pair", pair.id},
            {"name", pair.name},
            {"epoch", 1},
            {"lease_ms", pair.value("lease").get<int64_t>()},
            {"automatic", pair.value("switch_over") != "manual"},
            {"returns", pair.value("return") == "automatic"},
            {"cold", pair.value("redundancy") == "cold"},
            {"preferred", primary},
            {"other", backup},
            {"own", {primary, backup}},
            {"members", {{{"host", host}, {"address", ""}, {"port", 0}, {"key", ""}}}}};
}

void take_pair(const Configuration& configuration, const configuration::Pairs& pairs, Described& described,
               Application& application)
{
    const auto partner = pairs.partner_of(application.id);
    const Object* const pair = partner ? configuration.find(partner->pair) : nullptr;
    const Object* const other = partner ? configuration.find(partner->other) : nullptr;
    if (pair == nullptr || other == nullptr) return;
    application.pair = Pairing{.pair = pair->id,
                               .other = other->id,
                               .is_cold = pair->value("redundancy") == "cold",
                               .address = pair->text("address"),
                               .interface = pair->text("interface"),
                               .overlaps = pair->value("overlap").get<bool>()};
    const bool is_here = other->attributes.value("host", ApplicationId{0}) == described.host;
    if (is_here && !partner->is_backup) described.own_pairs.push_back(own_pair(*pair, described.host));
}

}  // namespace

Described described_on(const Configuration& configuration, std::string_view host, const Unseal& unseal,
                       const Images& images)
{
    Described described;
    const Object* const machine = configuration.find("host", host);
    if (machine == nullptr || machine->disabled) return described;
    described.in_maintenance = machine->value("maintenance").get<bool>();
    described.host = machine->id;
    described.has_pairs = !configuration.of_type("pair").empty();
    const configuration::Pairs pairs(configuration);
    for (const Object* const configured : configuration.of_type("application")) {
        const Object object = configuration::effective(configuration, pairs, *configured);
        if (object.disabled || object.attributes.value("host", ApplicationId{0}) != machine->id) continue;
        if (const Json driver = object.value("driver"); driver.is_array()) {
            described.driven.push_back({.id = object.id,
                                        .name = object.name,
                                        .driver = driver.get<std::vector<std::string>>(),
                                        .image = object.text("image")});
            continue;
        }
        Application application;
        application.id = object.id;
        application.name = object.name;
        object.value("command").get_to(application.command);
        application.working_directory = object.value("working_directory").get<std::string>();
        application.user = object.text("user");
        take_ports(object, application);
        take_limits(object, application);
        take_life(object, application);
        take_orders(object, application);
        take_pair(configuration, pairs, described, application);
        application.readiness = question_of(object, "readiness");
        application.health = question_of(object, "health");
        if (const auto needs = object.attributes.find("prerequisites"); needs != object.attributes.end()) {
            for (const Json& one : *needs) application.gates.push_back(gate_of(configuration, one));
        }
        if (const Result<void> taken = take_environment(object, application, unseal); !taken)
            described.not_ready[object.id] = taken.error().what;
        if (const Result<void> taken = take_image(object, application, images); !taken)
            described.not_ready[object.id] = taken.error().what;
        described.standard[object.id] = object.value("autostart").get<bool>() ? Want::running : Want::stopped;
        described.applications.push_back(std::move(application));
    }
    return described;
}

}  // namespace belay::framework::supervision
