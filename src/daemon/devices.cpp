#include "daemon/devices.h"

#include "daemon/parameters.h"
#include "procedures/device_upgrade.h"
#include "upgrade/iosxe/device_actions.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace belay::daemon {
namespace {

using framework::configuration::Configuration;
using framework::configuration::Object;
using site::Call;
using site::Reply;
using site::Right;
using upgrade::iosxe::Access;
using upgrade::iosxe::DeviceLook;
using upgrade::iosxe::DeviceMember;

constexpr Milliseconds connect_unless_told{20'000};
/// The device's own timer, from its `install activate issu` on. Source: "Upgrading the Switch Software",
/// Catalyst 9500.
constexpr Milliseconds device_timer = std::chrono::hours(2);

Json json_of(const DeviceMember& member, const DeviceLook& look)
{
    Json packages = Json::array();
    for (const upgrade::iosxe::show::InstalledPackage& package : member.packages)
        packages.push_back({{"type", package.type},
                            {"state", upgrade::iosxe::show::name_of(package.state)},
                            {"version", package.version}});
    return {{"name", look.name_of(member)},
            {"active", member.is_active},
            {"redundancy", member.redundancy},
            {"release", member.release},
            {"mode", member.mode},
            {"starts_by_itself", member.starts_by_itself ? Json(*member.starts_by_itself) : Json()},
            {"free", member.free ? Json(member.free->count) : Json()},
            {"packages", std::move(packages)}};
}

Json json_of(const DeviceLook& look)
{
    Json members = Json::array();
    for (const DeviceMember& member : look.members) members.push_back(json_of(member, look));
    Json completed = Json::array();
    for (const upgrade::iosxe::show::IssuOperation& one : look.issu.completed)
        completed.push_back({{"name", one.name}, {"started", one.started}});
    const auto left = look.timer.left;
    return {{"model", look.model},
            {"says", look.to_text()},
            {"redundant", look.is_redundant()},
            {"members", std::move(members)},
            {"timer", look.timer.active ? Json(left ? left->count() : 0) : Json()},
            {"issu", look.issu.in_progress ? Json({{"operation_type", look.issu.operation_type},
                                                   {"install_type", look.issu.install_type},
                                                   {"state", look.issu.current_state},
                                                   {"last_operation", look.issu.last_operation},
                                                   {"completed", std::move(completed)},
                                                   {"transitions", look.issu.transitions}})
                                           : Json()},
            {"running_image", look.system_image},
            {"operating_mode", look.issu.operating_mode},
            {"terminal", look.issu.terminal ? Json(*look.issu.terminal) : Json()}};
}

}  // namespace

Devices::Devices(Options options)
    : options_(std::move(options)),
      configuration_(std::make_shared<const Configuration>()),
      console_({.terminal = [this](const std::string& device,
                                   const std::string& transcript) { return terminal_of(device, transcript); },
                .pace = options_.pace})
{
}

void Devices::configured(std::shared_ptr<const Configuration> configuration)
{
    const std::lock_guard lock(mutex_);
    configuration_ = std::move(configuration);
}

std::shared_ptr<const Configuration> Devices::configuration() const
{
    const std::lock_guard lock(mutex_);
    return configuration_;
}

bool Devices::any() const
{
    return !configuration()->of_type("device").empty();
}

void Devices::fill(operation::Catalogue& catalogue)
{
    upgrade::iosxe::add_device_actions(catalogue, console_);
}

void Devices::join(procedures::Procedure& pair_upgrade)
{
    const std::vector<procedures::Argument> more = procedures::device_arguments();
    pair_upgrade.arguments.insert(pair_upgrade.arguments.end(), more.begin(), more.end());
    pair_upgrade.description +=
        " A device of the configuration, as a pair of Catalyst switches, does the same by its own commands, "
        "over SSH.";
    auto of_applications = std::move(pair_upgrade.make);
    pair_upgrade.make = [this, more, of_applications](
                            host::Host& host,
                            const std::map<std::string, std::string>& given) -> Result<operation::Plan> {
        const std::shared_ptr<const Configuration> all = configuration();
        const std::string& name = given.at("pair");
        const bool is_device = all->find("device", name) != nullptr;
        if (is_device && all->find("pair", name) != nullptr)
            return fail(ErrorKind::usage,
                        fmt::format("there is a pair and a device that are called {}", name),
                        "belay config edit, and call one of them otherwise");
        if (is_device)
            return procedures::plan_device_upgrade(
                {.look = [this](const std::string& device) { return console_.look(device); }}, given);
        for (const procedures::Argument& argument : more) {
            if (given.contains(argument.name))
                return fail(ErrorKind::usage,
                            fmt::format("--{} is for devices, and the configuration has no device \"{}\"",
                                        argument.name, name),
                            "belay device");
        }
        return of_applications(host, given);
    };
}

std::vector<site::Method> Devices::methods()
{
    const auto listed = [this](const Call& call) -> Result<Reply> {
        TRY(Parameters(call.parameters).no_other());
        return Reply{TRY(list())};
    };
    const auto looked = [this](const Call& call) -> Result<Reply> {
        Parameters parameters(call.parameters);
        const std::string device = TRY(parameters.required_text("device"));
        TRY(parameters.no_other());
        return Reply{TRY(look(device))};
    };
    return {{"DeviceList", Right::view, listed}, {"DeviceLook", Right::operate, looked}};
}

void Devices::stands(const operation::Operation& operation)
{
    // Before, the device's own may not run yet; it has two hours, and an activation takes minutes.
    const bool runs = operation.state == operation::State::activated;
    const auto step = std::ranges::find(operation.plan.steps, "iosxe.activate", &operation::Step::action);
    if (!runs || !operation.timer || step == operation.plan.steps.end()) return;
    const operation::Timer& timer = *operation.timer;
    const auto number = static_cast<size_t>(step - operation.plan.steps.begin());
    if (!timer.stopped && timer.wall_deadline <= operation.steps[number].started + device_timer) return;
    {
        const std::lock_guard lock(mutex_);
        if (!timers_.insert(operation.id).second) return;
    }
    const std::string device = step->arguments.at("device"), transcript = step->arguments.at("transcript");
    const auto begun = options_.workers.run([this, id = operation.id, device, transcript] {
        const Result<void> stopped = upgrade::iosxe::stop_abort_timer(console_, device, transcript);
        if (!stopped) {
            options_.said(
                fmt::format("the abort timer of {} could not be stopped, as that of operation {} is: {}",
                            device, id, stopped.error().what));
            const std::lock_guard lock(mutex_);
            timers_.erase(id);
        }
        return site::Loop::Callback([] {});
    });
    if (begun) return;
    const std::lock_guard lock(mutex_);
    timers_.erase(operation.id);
}

Result<Access> Devices::access_to(const std::string& device) const
{
    const std::shared_ptr<const Configuration> all = configuration();
    const Object* const object = all->find("device", device);
    if (object == nullptr)
        return fail(ErrorKind::not_found, fmt::format("the configuration has no device \"{}\"", device),
                    "belay config edit");
    Access access;
    access.address = object->text("address");
    access.port = object->attributes.value("port", access.port);
    access.user = object->text("user");
    access.host_keys = object->attributes.value("host_keys", std::vector<std::string>());
    access.connect = Milliseconds(object->attributes.value("connect_timeout", connect_unless_told.count()));
    const std::array secrets = {std::pair("password", &access.password),
                                std::pair("private_key", &access.private_key),
                                std::pair("enable_password", &access.enable_password)};
    for (const auto& [name, into] : secrets) {
        if (const std::string sealed = object->text(name); !sealed.empty())
            *into = TRY(options_.unseal(sealed));
    }
    return access;
}

Result<std::unique_ptr<upgrade::iosxe::Terminal>> Devices::terminal_of(const std::string& device,
                                                                       const std::string& transcript) const
{
    if (!transcript.empty()) {
        const std::string folder = transcript.substr(0, transcript.rfind('/'));
        std::error_code problem;
        std::filesystem::create_directories(folder, problem);
        if (problem)
            return std::unexpected(
                system_error(fmt::format("make {} for the transcript", folder), problem.value()));
    }
    return std::make_unique<upgrade::iosxe::VtyTerminal>(
        upgrade::iosxe::VtyTerminal::Options{.host = options_.host,
                                             .program = options_.program,
                                             .access = [this, device] { return access_to(device); },
                                             .transcript = transcript});
}

Result<Json> Devices::list() const
{
    const std::shared_ptr<const Configuration> known = configuration();
    Json all = Json::array();
    for (const Object* const one : known->of_type("device"))
        all.push_back({{"name", one->name},
                       {"address", one->text("address")},
                       {"user", one->text("user")},
                       {"description", one->text("description")},
                       {"location", one->text("location")}});
    return Json{{"devices", std::move(all)}};
}

Result<Json> Devices::look(const std::string& device)
{
    TRY(access_to(device));
    Json found = json_of(TRY(console_.look(device)));
    found["name"] = device;
    return found;
}

}  // namespace belay::daemon
