#include "upgrade/driver/postgresql/postgresql.h"

#include <algorithm>

namespace belay::upgrade::driver::postgresql {
namespace {

constexpr Milliseconds until_at_rest = std::chrono::seconds(100);

uint64_t behind(Place ahead, Place place)
{
    return ahead > place ? ahead.byte - place.byte : 0;
}

std::string says_of_standby(const Seen& seen)
{
    const Server& server = *seen.server;
    if (server.is_streaming && server.told && server.replayed)
        return fmt::format("streams from {}, {} bytes behind", server.from,
                           behind(*server.told, *server.replayed));
    if (seen.peer_stands_by()) return "a standby, and its peer is one too: nobody serves";
    if (!seen.peer) return fmt::format("a standby that does not stream: {}", seen.peer_problem);
    return "a standby that does not stream";
}

}  // namespace

std::string why_not_hot(const Seen& seen, uint64_t max_lag)
{
    if (!seen.peer) return fmt::format("the peer does not answer: {}", seen.peer_problem);
    if (seen.peer->system != seen.server->system)
        return "the peer is another cluster: its system identifier differs";
    if (seen.peer_serves()) return "the peer serves too: a person must decide whose transactions count";
    if (!seen.peer->is_streaming) return "the peer does not stream from here";
    if (seen.peer->is_paused) return "the peer's replay is paused: pg_wal_replay_resume() there";
    if (!seen.peer->replayed || !seen.server->written) return "the peer has replayed nothing yet";
    const uint64_t lag = behind(*seen.server->written, *seen.peer->replayed);
    if (lag > max_lag) return fmt::format("the peer is {} bytes behind, more than {}", lag, max_lag);
    return {};
}

Look look_of(const Seen& seen, const Cluster& cluster, uint64_t max_lag)
{
    Look look{.role = Role::none,
              .hot = false,
              .says = {},
              .version = seen.server ? seen.server->version : "",
              .starts_by_itself = cluster.starts_by_itself(),
              .runs_from = seen.runs_from,
              .peer = seen.peer ? Reach::reachable : Reach::unreachable};
    if (seen.here == Seen::Here::busy) {
        look.says = "starts or stops";
    } else if (!seen.server) {
        look.says = seen.gave_up ? "stopped; a standby when it is started"
                                 : "stopped; a primary when it is started: stand-by goes on, or goes back";
    } else if (seen.server->is_standby) {
        const Server& server = *seen.server;
        look.role = Role::standby;
        look.hot = server.is_streaming && !server.is_paused && server.told && server.replayed &&
                   behind(*server.told, *server.replayed) <= max_lag;
        look.says = says_of_standby(seen);
    } else {
        look.role = Role::active;
        const std::string why_not = why_not_hot(seen, max_lag);
        look.hot = why_not.empty();
        const bool waits = std::ranges::any_of(seen.server->followers, &Server::Follower::is_synchronous);
        look.says = look.hot ? fmt::format("serves; its standby is {} bytes behind, {}",
                                           behind(*seen.server->written, *seen.peer->replayed),
                                           waits ? "and a commit waits for it" : "and no commit waits for it")
                             : "serves; " + why_not;
    }
    return look;
}

Result<void> Postgresql::find()
{
    Cluster cluster = TRY(Cluster::find(ground_, ask_));
    cluster_ = std::move(cluster);
    return {};
}

Result<void> Postgresql::see_here(Seen& seen)
{
    const Result<std::string> pid_file = ground_.host.read(cluster_->data() + "/postmaster.pid");
    seen.gave_up = ground_.host.read(cluster_->data() + "/standby.signal").has_value();
    seen.here = Seen::Here::stopped;
    if (!pid_file) {
        if (pid_file.error().kind == ErrorKind::not_found) return {};
        return std::unexpected(pid_file.error());
    }
    // The file of one that was killed stays; the number may be another's by now.
    const std::string process = "/proc/" + pid_file->substr(0, pid_file->find('\n'));
    const Result<std::string> works_in = ground_.host.resolve(process + "/cwd");
    const Result<std::string> data = ground_.host.resolve(cluster_->data());
    if (!works_in || !data || *works_in != *data) return {};
    seen.here = Seen::Here::busy;
    const host::Outcome program = TRY(ground_.host.run({.argv = {"readlink", process + "/exe"}}));
    seen.runs_from = program.out.substr(0, program.out.find('\n'));
    // An update has put another in its place.
    if (const size_t deleted = seen.runs_from.find(" (deleted)"); deleted != std::string::npos)
        seen.runs_from.resize(deleted);
    const Result<host::Outcome> said = ground_.host.run(cluster_->ask_here(server_question));
    if (!said && said.error().kind != ErrorKind::timeout) return std::unexpected(said.error());
    if (!said || said->exit_code != 0) return {};
    seen.server = TRY(parse_server(said->out));
    seen.here = Seen::Here::running;
    return {};
}

void Postgresql::see_peer(Seen& seen)
{
    const auto said = host::run_checked(ground_.host, cluster_->ask_peer(server_question));
    Result<Server> peer = said ? parse_server(said->out) : std::unexpected(said.error());
    if (peer)
        seen.peer = std::move(*peer);
    else
        seen.peer_problem = peer.error().what;
    std::ranges::replace_if(seen.peer_problem, [](unsigned char c) { return c < 0x20; }, ' ');
}

Result<Seen> Postgresql::see()
{
    Seen seen;
    TRY(see_here(seen));
    see_peer(seen);
    return seen;
}

/// What a killed driver has begun may still be on its way.
Result<Seen> Postgresql::see_at_rest()
{
    const bool rests = TRY(comes_true(ground_, until_at_rest, [&]() -> Result<bool> {
        Seen here;
        TRY(see_here(here));
        return here.here != Seen::Here::busy;
    }));
    if (!rests)
        return fail(ErrorKind::timeout, fmt::format("{} neither answers nor stops", cluster_->name()),
                    "pg_lsclusters");
    return see();
}

Result<Control> Postgresql::control()
{
    const host::Outcome said = TRY(host::run_checked(ground_.host, cluster_->control()));
    return parse_control(said.out);
}

Result<Look> Postgresql::look()
{
    TRY(find());
    const Seen seen = TRY(see());
    return look_of(seen, *cluster_, ask_.max_lag);
}

Result<std::unique_ptr<Postgresql>> Postgresql::make(const Ground& ground, const Ask& ask)
{
    TRY(demand_sound(ask));
    return std::unique_ptr<Postgresql>(new Postgresql(ground, ask));
}

}  // namespace belay::upgrade::driver::postgresql
