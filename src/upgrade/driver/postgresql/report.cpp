#include "upgrade/driver/postgresql/report.h"

#include "base/json.h"

#include <algorithm>
#include <charconv>

namespace belay::upgrade::driver::postgresql {
namespace {

constexpr size_t longest_number = 8;

Result<uint32_t> parse_hexadecimal(std::string_view text)
{
    uint32_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (text.empty() || text.size() > longest_number || problem != std::errc() ||
        end != text.data() + text.size())
        return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no hexadecimal number", text));
    return number;
}

std::string without_blanks(std::string_view text)
{
    const size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

/// The value behind "Database cluster state:". A last line without its end may have lost a digit: it does not
/// count.
Result<std::string> line_named(std::string_view text, std::string_view name)
{
    for (size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
        const std::string_view line = text.substr(0, end);
        if (line.starts_with(name)) return without_blanks(line.substr(name.size()));
    }
    return fail(ErrorKind::corrupt, fmt::format("pg_controldata says nothing of \"{}\"", name));
}

Result<std::optional<Place>> place_in(const Json& object, const char* key)
{
    const Json value = object.value(key, Json());
    if (value.is_null()) return std::optional<Place>();
    const Place place = TRY(parse_place(value.get<std::string>()));
    return std::optional(place);
}

/// A number, which some versions print as a text.
uint32_t number_of(const Json& value)
{
    if (!value.is_string()) return value.get<uint32_t>();
    const auto text = value.get<std::string>();
    uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// What the library throws at a field that is missing or of another type is an error of the answer.
template <typename T>
Result<T> read(std::string_view what, std::string_view text, Result<T> (*take)(const Json&))
{
    const Json json = TRY(parse_json(text));
    try {
        return take(json);
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("{} makes no sense: {}", what, problem.what()));
    }
}

Result<std::vector<DebianCluster>> clusters_of(const Json& json)
{
    std::vector<DebianCluster> clusters;
    for (const Json& one : json) {
        const Json& version = one.at("version");
        clusters.push_back({.version = version.is_string() ? version.get<std::string>() : version.dump(),
                            .name = one.at("cluster"),
                            .data = one.at("pgdata"),
                            .socket_folder = one.at("socketdir"),
                            .port = number_of(one.at("port")),
                            .user = number_of(one.at("owneruid")),
                            .group = number_of(one.at("ownergid")),
                            .starts_by_itself = one.value("start", "") == "auto",
                            .configuration = one.at("configdir").get<std::string>() + "/postgresql.conf"});
    }
    return clusters;
}

Result<Server> server_of(const Json& json)
{
    Server server{.is_standby = json.at("standby"), .system = json.at("system"), .version = {}};
    const std::string version = json.at("version");
    server.version = version.substr(0, version.find(' '));
    server.written = TRY(place_in(json, "written"));
    server.received = TRY(place_in(json, "received"));
    server.replayed = TRY(place_in(json, "replayed"));
    if (const Json receiver = json.value("receiver", Json()); !receiver.is_null()) {
        server.is_streaming = receiver.at("status") == "streaming";
        server.from = fmt::format("{}:{}", receiver.value("host", ""), receiver.at("port").dump());
        server.told = TRY(place_in(receiver, "told"));
    }
    for (const Json& one : json.at("followers")) {
        Server::Follower follower;
        follower.is_streaming = one.at("state") == "streaming";
        follower.is_synchronous = one.at("sync") == "sync" || one.at("sync") == "quorum";
        follower.replayed = TRY(place_in(one, "replayed"));
        server.followers.push_back(follower);
    }
    server.is_paused = json.at("paused");
    server.timeline_is_kept = json.at("timeline_is_kept");
    server.slot = json.at("slot");
    server.logical_slots = json.at("logical_slots");
    server.may_promote = json.at("may_promote");
    return server;
}

}  // namespace

Result<Place> parse_place(std::string_view text)
{
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no place in the write-ahead log", text));
    const uint32_t high = TRY(parse_hexadecimal(text.substr(0, slash)));
    const uint32_t low = TRY(parse_hexadecimal(text.substr(slash + 1)));
    return Place{(uint64_t{high} << 32) | low};
}

std::string to_text(Place place)
{
    return fmt::format("{:X}/{:X}", place.byte >> 32, place.byte & 0xffffffff);
}

Result<std::vector<DebianCluster>> parse_clusters(std::string_view json)
{
    return read("the list of pg_lsclusters", json, clusters_of);
}

Result<Control> parse_control(std::string_view text)
{
    Control control;
    control.state = TRY(line_named(text, "Database cluster state:"));
    control.system = TRY(line_named(text, "Database system identifier:"));
    const std::string checkpoint = TRY(line_named(text, "Latest checkpoint location:"));
    control.checkpoint = TRY(parse_place(checkpoint));
    return control;
}

// As text, for the identifier has more digits than a number of JSON may have.
const char* const server_question =
    "SELECT json_build_object("
    "'standby', pg_is_in_recovery(), "
    "'system', (SELECT system_identifier::text FROM pg_control_system()), "
    "'version', current_setting('server_version'), "
    "'written', CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_flush_lsn() END, "
    "'received', pg_last_wal_receive_lsn(), "
    "'replayed', pg_last_wal_replay_lsn(), "
    "'paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END, "
    "'receiver', (SELECT json_build_object('status', status, 'host', coalesce(sender_host, ''), "
    "'port', sender_port, 'told', latest_end_lsn) FROM pg_stat_wal_receiver), "
    "'followers', coalesce((SELECT json_agg(json_build_object('state', coalesce(state, ''), "
    "'sync', coalesce(sync_state, ''), 'replayed', replay_lsn)) FROM pg_stat_replication), '[]'), "
    "'timeline_is_kept', CASE WHEN pg_is_in_recovery() THEN false ELSE "
    "left(pg_walfile_name(pg_current_wal_lsn()), 8) = (SELECT lpad(upper(to_hex(timeline_id)), 8, '0') "
    "FROM pg_control_checkpoint()) END, "
    "'slot', coalesce(current_setting('primary_slot_name', true), ''), "
    "'logical_slots', (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'), "
    "'may_promote', has_function_privilege('pg_promote(boolean, integer)', 'EXECUTE'))";

Result<Server> parse_server(std::string_view json)
{
    return read("the server's answer", json, server_of);
}

Result<std::string> parse_identity(std::string_view text)
{
    const std::string_view system = text.substr(0, text.find('|'));
    const bool is_number =
        !system.empty() && std::ranges::all_of(system, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number || system.size() == text.size())
        return fail(ErrorKind::corrupt, "the server's answer to IDENTIFY_SYSTEM makes no sense");
    return std::string(system);
}

}  // namespace belay::upgrade::driver::postgresql
