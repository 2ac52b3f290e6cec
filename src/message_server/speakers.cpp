#include "message_server/speakers.h"

#include "host/application/control_groups.h"
#include "host/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/ranges.h>
#include <sys/socket.h>

namespace belay::message_server {
namespace {

constexpr std::string_view own_leaf = "/supervisor";
/// Linux since 6.5; the C library here does not name it.
constexpr int so_peerpidfd = 77;

/// Whether the number is still that of the process that has connected, and not of another that got it later.
/// Where the kernel does not say, it is: numbers are not given again so soon.
bool is_still(int connection, pid_t pid)
{
    int process = -1;
    socklen_t size = sizeof process;
    if (getsockopt(connection, SOL_SOCKET, so_peerpidfd, &process, &size) != 0) return errno == ENOPROTOOPT;
    const host::Descriptor closes_it(process);
    constexpr Bytes most{4096};
    const auto told = host::files::read(fmt::format("/proc/self/fdinfo/{}", process), most);
    return told && told->find(fmt::format("Pid:\t{}\n", pid)) != std::string::npos;
}

/// The program that a process runs, as the kernel names it; it may call itself anything.
std::string command_of(pid_t pid)
{
    constexpr Bytes most{64};
    Result<std::string> name = host::files::read(fmt::format("/proc/{}/comm", pid), most);
    if (!name) return "";
    if (name->ends_with('\n')) name->pop_back();
    return std::move(*name);
}

/// Where the groups of the applications are: beside the one that their supervisor is in. Whoever listens at
/// a socket is known by the kernel.
std::string base_at(const std::string& supervisor)
{
    const Result<host::Descriptor> connection = site::connect_to(supervisor);
    if (!connection) return "";
    const Result<site::Peer> peer = site::peer_of(connection->number());
    if (!peer) return "";
    std::string group = host::group_of_process(peer->pid);
    if (!group.ends_with(own_leaf)) return "";
    group.resize(group.size() - own_leaf.size());
    return group;
}

/// In a container that sees the groups of its host, systemd counts from its own on; as cg_get_root_path() of
/// its sources: process 1 is in init.scope right below that.
std::string root_of_journal()
{
    constexpr std::string_view leaf = "/init.scope";
    std::string group = host::group_of_process(1);
    if (group.ends_with(leaf)) group.resize(group.size() - leaf.size());
    return group == "/" ? "" : group;
}

constexpr std::array<std::string_view, 3> syslog_in_names = {"none", "applications", "all"};

Result<SyslogIn> syslog_in_named(std::string_view name)
{
    const auto found = std::ranges::find(syslog_in_names, name);
    if (found == syslog_in_names.end())
        return fail(ErrorKind::usage, fmt::format("\"syslog\" is \"{}\", and none of {}", name,
                                                  fmt::join(syslog_in_names, ", ")));
    return static_cast<SyslogIn>(found - syslog_in_names.begin());
}

/// {"alarm": ms, ..., "bytes": n}, any of it.
Result<Keeping> read_keeping(const Json& json)
{
    Keeping keeping;
    if (!json.is_object()) return fail(ErrorKind::usage, "\"keeping\" is no table");
    for (const auto& [name, value] : json.items()) {
        if (!value.is_number_integer() || value < 1)
            return fail(ErrorKind::usage, fmt::format("\"keeping\": \"{}\" is no number above 0", name));
        if (name == "bytes") {
            keeping.bytes = value.get<uint64_t>();
        } else {
            const Level level = TRY(framework::messages::level_named(name));
            keeping.by_level.at(static_cast<size_t>(level)) = Milliseconds(value.get<int64_t>());
        }
    }
    return keeping;
}

}  // namespace

std::string_view name_of(SyslogIn syslog)
{
    return syslog_in_names.at(static_cast<size_t>(syslog));
}

Speakers::Speakers(std::string supervisor)
    : supervisor_(std::move(supervisor)), journal_root_(root_of_journal())
{
}

void to_json(Json& json, const Described& described)
{
    Json applications = Json::array();
    for (const DescribedApplication& one : described.applications)
        applications.push_back({{"id", one.id},
                                {"name", one.name},
                                {"log_level", name_of(one.log_level)},
                                {"output", one.output}});
    Json keeping = Json::object();
    for (size_t level = 0; level < framework::messages::levels; ++level) {
        if (const auto& span = described.keeping.by_level.at(level))
            keeping[std::string(name_of(static_cast<Level>(level)))] = span->count();
    }
    if (described.keeping.bytes) keeping["bytes"] = *described.keeping.bytes;
    Json heard = Json::array();
    for (const EventId id : described.heard) heard.push_back(to_text(id));
    json = {{"host", described.host},        {"applications", std::move(applications)},
            {"outputs", described.outputs},  {"syslog", name_of(described.syslog)},
            {"keeping", std::move(keeping)}, {"heard", std::move(heard)}};
}

Result<Described> read_described(const Json& json)
{
    Described described;
    const auto text = [](const Json& from, const char* field) -> Result<std::string> {
        const auto found = from.find(field);
        if (found == from.end()) return "";
        if (!found->is_string()) return fail(ErrorKind::usage, fmt::format("\"{}\" is no text", field));
        return found->get<std::string>();
    };
    if (!json.is_object()) return fail(ErrorKind::usage, "what a host has is a table");
    described.is_whole = json.contains("applications");
    described.host = TRY(text(json, "host"));
    if (const auto by = json.find("pid"); by != json.end() && by->is_number_unsigned())
        described.by = static_cast<pid_t>(by->get<uint64_t>() & 0x7fffffffU);
    described.keeping = TRY(read_keeping(json.value("keeping", Json::object())));
    described.heard = TRY(framework::messages::read_event_ids(json.value("heard", Json::array())));
    const std::string syslog = TRY(text(json, "syslog"));
    if (!syslog.empty()) described.syslog = TRY(syslog_in_named(syslog));
    const Json outputs = json.value("outputs", Json::array());
    if (!outputs.is_array()) return fail(ErrorKind::usage, "\"outputs\" is no list");
    for (const Json& one : outputs) described.outputs.push_back(TRY(framework::messages::read_output(one)));
    const Json applications = json.value("applications", Json::array());
    if (!applications.is_array()) return fail(ErrorKind::usage, "\"applications\" is no list");
    for (const Json& one : applications) {
        const bool has_id = one.is_object() && one.contains("id") && one.at("id").is_number_integer();
        if (!has_id) return fail(ErrorKind::usage, "an application has no \"id\"");
        DescribedApplication application{.id = one.at("id").get<int64_t>()};
        application.name = TRY(text(one, "name"));
        application.output = TRY(text(one, "output"));
        const std::string level = TRY(text(one, "log_level"));
        if (!level.empty()) application.log_level = TRY(framework::messages::level_named(level));
        described.applications.push_back(std::move(application));
    }
    return described;
}

void Speakers::describe(Described described)
{
    const std::lock_guard lock(mutex_);
    described_ = std::move(described);
}

Described Speakers::described() const
{
    const std::lock_guard lock(mutex_);
    return described_;
}

std::optional<int64_t> Speakers::application_in(const std::string& group)
{
    // Most are in no such group; whoever makes one that is called so is asked about for nothing.
    if (group.find("/application-") == std::string::npos) return std::nullopt;
    {
        const std::lock_guard lock(mutex_);
        if (const auto id = host::application_in(group, base_)) return id;
    }
    std::string base = base_at(supervisor_);
    if (base.empty()) return std::nullopt;
    const auto id = host::application_in(group, base);
    const std::lock_guard lock(mutex_);
    base_ = std::move(base);
    return id;
}

std::optional<int64_t> Speakers::application_in_journal(const std::string& group)
{
    return application_in(journal_root_ + group);
}

std::string Speakers::groups() const
{
    const std::lock_guard lock(mutex_);
    return base_;
}

void Speakers::groups_were_in(const std::string& base)
{
    const std::lock_guard lock(mutex_);
    if (base_.empty()) base_ = base;
}

Origin Speakers::origin_of(int connection)
{
    const Result<site::Peer> peer = site::peer_of(connection);
    if (!peer) return {};
    Origin origin{.application = {}, .user = site::user_name(peer->uid), .program = {}, .service = {}};
    const std::string group = host::group_of_process(peer->pid);
    std::string program = command_of(peer->pid);
    // Asked last: what was read before is of this process then.
    if (!is_still(connection, peer->pid)) return origin;
    origin.application = application_in(group);
    origin.program = std::move(program);
    return origin;
}

Identity Speakers::identify(const Origin& origin) const
{
    const std::lock_guard lock(mutex_);
    Identity identity;
    identity.otherwise.host = described_.host;
    const auto found =
        std::ranges::find(described_.applications, origin.application.value_or(0), &DescribedApplication::id);
    if (origin.application && found != described_.applications.end()) {
        identity.speaker = {.name = found->name, .application = found->name};
        identity.log_level = found->log_level;
    } else {
        // One of which belayd has not told yet is known by its number.
        identity.speaker.name = origin.application        ? host::application_group(*origin.application)
                                : !origin.service.empty() ? origin.service
                                                          : fmt::format("user {}", origin.user);
        identity.speaker.application = identity.speaker.name;
        if (!origin.program.empty()) identity.otherwise.attributes["program"] = origin.program;
        identity.log_level = Level::trace;
    }
    identity.otherwise.application = identity.speaker.application;
    return identity;
}

}  // namespace belay::message_server
