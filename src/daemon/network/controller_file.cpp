#include "daemon/network/controller_file.h"

#include "base/json.h"
#include "host/files.h"
#include "site/identity/private_file.h"
#include "site/identity/secret.h"

#include <charconv>

namespace belay::daemon {
namespace {

namespace files = host::files;

constexpr Bytes max_controller_file = {64 << 10};
constexpr size_t max_host_bytes = 255;
constexpr size_t id_bytes = 16, id_digits = 16;
constexpr unsigned last_port = 65535;

std::string path_in(const std::string& state_folder)
{
    return state_folder + "/site/controller.json";
}

/// Throws Json::exception.
ControllerAddress address_of(const Json& json)
{
    ControllerAddress address{.listen = json.at("listen"),
                              .advertise = json.at("advertise").get<std::vector<std::string>>(),
                              .emergency = {},
                              .take_lead = {},
                              .store = {},
                              .id = json.at("id")};
    const Json& store = json.at("store");
    if (!store.is_null())
        address.store = {store.at("address"), store.at("ca"), store.at("certificate"), store.at("key")};
    return address;
}

Json json_of(const ControllerAddress& address)
{
    Json json = {
        {"listen", address.listen}, {"advertise", address.advertise}, {"store", nullptr}, {"id", address.id}};
    if (!address.store.address.empty())
        json["store"] = {{"address", address.store.address},
                         {"ca", address.store.ca},
                         {"certificate", address.store.certificate},
                         {"key", address.store.key}};
    return json;
}

Result<ControllerAddress> read(const std::string& path)
{
    const Result<std::string> text = files::read(path, max_controller_file);
    if (!text && text.error().kind == ErrorKind::not_found) return ControllerAddress{};
    if (!text) return std::unexpected(text.error());
    const auto damaged = [&] {
        return fail(ErrorKind::corrupt, fmt::format("{} is damaged", path),
                    "belayd --listen HOST:PORT writes it anew");
    };
    const auto json = parse_json(*text);
    if (!json) return damaged();
    try {
        return address_of(*json);
    } catch (const Json::exception&) {
        return damaged();
    }
}

/// Whether there is anybody whose lead could be taken.
Result<void> check_take(const ControllerAddress& address)
{
    if (address.take_lead.empty() || !address.store.address.empty()) return {};
    return fail(ErrorKind::usage,
                "the lead is taken from another controller, and this machine shares no site with one",
                "belayd --listen HOST:PORT --site-store etcd:..., docs/site.md");
}

}  // namespace

Result<void> check_address(std::string_view address)
{
    const size_t colon = address.rfind(':');
    const std::string_view host = address.substr(0, std::min(colon, address.size()));
    unsigned port = 0;
    bool is_port = false;
    if (colon != std::string_view::npos) {
        const char* begin = address.begin() + colon + 1;
        const auto [stopped, problem] = std::from_chars(begin, address.end(), port);
        is_port = problem == std::errc{} && stopped == address.end() && port <= last_port;
    }
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    const bool is_host = !host.empty() && host.size() <= max_host_bytes &&
                         (is_bracketed || host.find(':') == std::string_view::npos) &&
                         host.find_first_of(" \t\r\n/,") == std::string_view::npos;
    if (is_port && is_host) return {};
    return fail(ErrorKind::usage, fmt::format("\"{}\" is not HOST:PORT or [ADDRESS]:PORT", address),
                "belayd --help");
}

Result<ControllerAddress> keep_address(const std::string& state_folder, const ControllerAddress& given)
{
    const std::string path = path_in(state_folder);
    if (!given.emergency.empty()) TRY(check_address(given.emergency));
    if (given.listen.empty()) {
        ControllerAddress kept = TRY(read(path));
        kept.emergency = given.emergency;
        kept.take_lead = given.take_lead;
        if (kept.listen.empty() && !kept.emergency.empty())
            return fail(ErrorKind::usage, "an emergency port is for a controller, and this machine is none",
                        "belayd --listen HOST:PORT");
        TRY(check_take(kept));
        return kept;
    }
    TRY(check_address(given.listen));
    TRY(check_take(given));
    for (const std::string& address : given.advertise) TRY(check_address(address));
    TRY(site::make_private_folder(state_folder + "/site"));
    ControllerAddress address = given;
    // A file that is damaged is written anew, with another id.
    if (const auto before = read(path)) address.id = before->id;
    if (address.id.empty())
        address.id = site::digest_of_secret(site::new_secret(id_bytes)).substr(0, id_digits);
    TRY(site::write_private(path, json_of(address).dump(1) + "\n"));
    return address;
}

Result<bool> forget_address(const std::string& state_folder)
{
    const std::string path = path_in(state_folder);
    const bool there = files::read(path, max_controller_file).has_value();
    TRY(files::remove(path));
    return there;
}

}  // namespace belay::daemon
