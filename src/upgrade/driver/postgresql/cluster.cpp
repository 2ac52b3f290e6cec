#include "upgrade/driver/postgresql/cluster.h"

#include "upgrade/driver/service.h"

#include <algorithm>

namespace belay::upgrade::driver::postgresql {
namespace {

constexpr Milliseconds asks_for = std::chrono::seconds(4);  // two of them are a look, of 10 s
constexpr Milliseconds stops_for = std::chrono::seconds(70);
constexpr Milliseconds starts_for = std::chrono::seconds(130);
constexpr Milliseconds rewinds_for = std::chrono::minutes(5);
constexpr std::string_view stop_seconds = "60";
constexpr std::string_view start_seconds = "120";

/// What goes into pg_ctl's --options, which a shell of its own reads.
bool is_plain(std::string_view path)
{
    return std::ranges::all_of(path, [](unsigned char c) {
        return (std::isalnum(c) != 0) || c == '/' || c == '.' || c == '_' || c == '-';
    });
}

bool is_absolute(std::string_view path)
{
    return path.starts_with('/');
}

/// Where a unit is named, what systemd says; else what somebody has said.
Result<bool> starts_with_host(const Ground& ground, const Ask& ask)
{
    if (ask.starts_at_boot || ask.unit.empty()) return ask.starts_at_boot;
    return driver::starts_by_itself(ground.host, ask.unit);
}

}  // namespace

Result<void> demand_sound(const Ask& ask)
{
    if (ask.cluster.empty() == ask.data.empty())
        return fail(ErrorKind::usage, "either --cluster VERSION/NAME or --data DIR says which cluster it is");
    if (!ask.cluster.empty() && ask.cluster.find('/') == std::string::npos)
        return fail(ErrorKind::usage,
                    fmt::format("--cluster {} is not VERSION/NAME, as 15/main", ask.cluster));
    if (!ask.data.empty() && !is_absolute(ask.data))
        return fail(ErrorKind::usage, fmt::format("--data {} is no absolute path", ask.data));
    if (!is_absolute(ask.socket_folder) || !is_plain(ask.socket_folder))
        return fail(ErrorKind::usage,
                    fmt::format("--socket-dir {} is no absolute path of letters, digits and ._-/",
                                ask.socket_folder));
    if (ask.peer.empty())
        return fail(
            ErrorKind::usage,
            "--peer is missing: how the other member is reached, as 'host=db2 user=belay dbname=postgres'");
    if (ask.peer.find("password") != std::string::npos)
        return fail(ErrorKind::usage,
                    "a password in --peer is seen by everybody on this host; put it into ~postgres/.pgpass");
    if (ask.peer.find('=') == std::string::npos || ask.peer.find_first_of("\n\r") != std::string::npos)
        return fail(ErrorKind::usage, "--peer is not of the form 'host=db2 user=belay dbname=postgres'");
    return {};
}

/// Debian knows where it is. Where there is an image, its programs run it, and Debian's do not: those would
/// start what lies in /usr/lib.
Result<Cluster> Cluster::find_of_debian(const Ground& ground, const Ask& ask)
{
    const host::Outcome listed =
        TRY(host::run_checked(ground.host, {.argv = {"pg_lsclusters", "--json"}, .limit = asks_for}));
    const std::vector<DebianCluster> all = TRY(parse_clusters(listed.out));
    const auto found = std::ranges::find_if(
        all, [&](const DebianCluster& one) { return one.version + '/' + one.name == ask.cluster; });
    if (found == all.end())
        return fail(ErrorKind::not_found, fmt::format("no cluster {} on this host", ask.cluster),
                    "pg_lsclusters");
    Cluster cluster;
    cluster.peer_ = ask.peer;
    cluster.name_ = ask.cluster;
    cluster.data_ = found->data;
    cluster.socket_folder_ = found->socket_folder;
    cluster.port_ = found->port;
    cluster.configuration_ = found->configuration;
    if (ground.is_root) {
        cluster.user_ = std::to_string(found->user);
        cluster.group_ = std::to_string(found->group);
    }
    if (ground.image_folder.empty()) {
        cluster.bin_ = fmt::format("/usr/lib/postgresql/{}/bin", found->version);
        cluster.debian_version_ = found->version;
        cluster.debian_name_ = found->name;
        cluster.starts_by_itself_ = found->starts_by_itself;
        return cluster;
    }
    if (!is_plain(found->configuration))
        return fail(ErrorKind::refused,
                    fmt::format("{} is no path of letters, digits and ._-/", found->configuration));
    cluster.bin_ = ground.image_folder + "/bin";
    cluster.unit_ = ask.unit;
    cluster.log_ = !ask.log.empty()
                       ? ask.log
                       : fmt::format("/var/log/postgresql/postgresql-{}-{}.log", found->version, found->name);
    const bool starts = TRY(starts_with_host(ground, ask));
    cluster.starts_by_itself_ = starts && !found->starts_by_itself;
    return cluster;
}

Result<Cluster> Cluster::find(const Ground& ground, const Ask& ask)
{
    if (!ask.cluster.empty()) return find_of_debian(ground, ask);
    Cluster cluster;
    cluster.peer_ = ask.peer;
    cluster.name_ = cluster.data_ = ask.data;
    cluster.bin_ = !ask.bin.empty() ? ask.bin : ground.image_folder + "/bin";
    if (ask.bin.empty() && ground.image_folder.empty())
        return fail(ErrorKind::usage, "--bin is missing: the folder that has pg_ctl, and there is no image");
    cluster.socket_folder_ = ask.socket_folder;
    cluster.port_ = ask.port;
    cluster.unit_ = ask.unit;
    cluster.log_ = ask.log.empty() ? "/dev/null" : ask.log;
    const host::Outcome owner = TRY(
        host::run_checked(ground.host, {.argv = {"stat", "--format=%u %g", ask.data}, .limit = asks_for}));
    if (ground.is_root) {
        const size_t blank = owner.out.find(' ');
        if (blank == std::string::npos) return fail(ErrorKind::corrupt, "stat says nothing that makes sense");
        cluster.user_ = owner.out.substr(0, blank);
        cluster.group_ = owner.out.substr(blank + 1, owner.out.find('\n') - blank - 1);
    }
    cluster.starts_by_itself_ = TRY(starts_with_host(ground, ask));
    return cluster;
}

host::Command Cluster::as_owner(std::vector<std::string> words, host::Effect effect, Milliseconds limit) const
{
    std::vector<std::string> argv = {"env"};
    if (!user_.empty()) argv = {"setpriv", "--reuid=" + user_, "--regid=" + group_, "--init-groups"};
    argv.insert(argv.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
    return {.argv = std::move(argv), .effect = effect, .limit = limit};
}

host::Command Cluster::start() const
{
    constexpr auto changes = host::Effect::changes;
    if (!debian_name_.empty())
        return {.argv = {"pg_ctlcluster", debian_version_, debian_name_, "start", "--", "-t",
                         std::string(start_seconds)},
                .effect = changes,
                .limit = starts_for};
    if (!unit_.empty())
        return {.argv = {"systemctl", "start", unit_}, .effect = changes, .limit = starts_for};
    const std::string options = configuration_.empty() ? fmt::format("-p {} -k {}", port_, socket_folder_)
                                                       : "-c config_file=" + configuration_;
    return as_owner({bin_ + "/pg_ctl", "-D", data_, "-l", log_, "-o", options, "-w", "-t",
                     std::string(start_seconds), "start"},
                    changes, starts_for);
}

host::Command Cluster::stop(std::string_view mode) const
{
    constexpr auto changes = host::Effect::changes;
    const std::string how(mode);
    if (!debian_name_.empty())
        return {.argv = {"pg_ctlcluster", debian_version_, debian_name_, "stop", "-m", how, "--", "-t",
                         std::string(stop_seconds)},
                .effect = changes,
                .limit = stops_for};
    if (!unit_.empty() && how == "fast")
        return {.argv = {"systemctl", "stop", unit_}, .effect = changes, .limit = stops_for};
    return as_owner({bin_ + "/pg_ctl", "-D", data_, "-m", how, "-w", "-t", std::string(stop_seconds), "stop"},
                    changes, stops_for);
}

host::Command Cluster::ask(const std::vector<std::string>& where, std::string_view sql,
                           host::Effect effect) const
{
    std::vector<std::string> words = {bin_ + "/psql", "-XAtqw", "-v", "ON_ERROR_STOP=1"};
    words.insert(words.end(), where.begin(), where.end());
    words.insert(words.end(), {"-c", std::string(sql)});
    return as_owner(std::move(words), effect,
                    effect == host::Effect::reads ? asks_for : Milliseconds(std::chrono::seconds(70)));
}

host::Command Cluster::ask_here(std::string_view sql, host::Effect effect) const
{
    return ask({"-h", socket_folder_, "-p", std::to_string(port_), "-d", "postgres"}, sql, effect);
}

host::Command Cluster::ask_peer(std::string_view sql, host::Effect effect) const
{
    return ask({"-d", peer_ + " connect_timeout=3"}, sql, effect);
}

host::Command Cluster::identify_peer() const
{
    return ask({"-d", peer_ + " connect_timeout=3 replication=true"}, "IDENTIFY_SYSTEM", host::Effect::reads);
}

host::Command Cluster::control() const
{
    return as_owner({bin_ + "/pg_controldata", "-D", data_}, host::Effect::reads, asks_for);
}

host::Command Cluster::rewind(bool only_look) const
{
    std::vector<std::string> words = {bin_ + "/pg_rewind", "-D", data_, "--source-server=" + peer_};
    if (!configuration_.empty()) words.push_back("--config-file=" + configuration_);
    // Without -R there would be an instant at which what was rewound has no standby.signal.
    words.emplace_back(only_look ? "--dry-run" : "--write-recovery-conf");
    return as_owner(std::move(words), only_look ? host::Effect::reads : host::Effect::changes, rewinds_for);
}

host::Command Cluster::program_version() const
{
    return {.argv = {"env", bin_ + "/postgres", "--version"}, .limit = asks_for};
}

host::Command Cluster::give_up() const
{
    return as_owner({"touch", data_ + "/standby.signal"}, host::Effect::changes, asks_for);
}

}  // namespace belay::upgrade::driver::postgresql
