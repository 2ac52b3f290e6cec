#include "upgrade/driver/postgresql/postgresql.h"

#include <algorithm>

// The order is what keeps the promise: the peer has the last byte, then this member gives up for good, then
// the peer is promoted. A member with standby.signal may have been followed by a promotion; one without was
// not.
namespace belay::upgrade::driver::postgresql {
namespace {

constexpr Milliseconds until_caught_up = std::chrono::seconds(60);
constexpr Milliseconds until_peer_has_checkpoint = std::chrono::seconds(20);
constexpr Milliseconds until_it_is_stuck = std::chrono::seconds(5);
constexpr Milliseconds until_promoted = std::chrono::seconds(60);
constexpr Milliseconds until_it_streams = std::chrono::seconds(120);
constexpr Milliseconds before_a_look_for_divergence = std::chrono::seconds(20);
constexpr Milliseconds until_checkpoint_of_peer = std::chrono::minutes(5);
constexpr Milliseconds until_it_serves = std::chrono::seconds(120);
constexpr std::string_view clean_stop = "shut down";
constexpr std::string_view clean_stop_of_a_standby = "shut down in recovery";
constexpr const char* promotion = "SELECT pg_promote(true, 60)";

/// A line of postgresql.auto.conf. Source: PostgreSQL's manual, 20.1.1.
std::string setting(std::string_view name, std::string_view value)
{
    std::string quoted;
    for (const char c : value) {
        if (c == '\'' || c == '\\') quoted += c;
        quoted += c;
    }
    return fmt::format("{} = '{}'\n", name, quoted);
}

std::string without_setting(std::string_view text, std::string_view name)
{
    std::string rest;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!line.starts_with(name)) rest += fmt::format("{}\n", line);
    }
    return rest;
}

}  // namespace

Result<void> Postgresql::start()
{
    const auto started = host::run_checked(ground_.host, cluster_->start());
    if (started) return {};
    // Its own word counts: pg_ctl gives up waiting for one that recovers for long.
    Seen here;
    TRY(see_here(here));
    if (here.here == Seen::Here::stopped) return std::unexpected(started.error());
    return {};
}

Result<void> Postgresql::stop()
{
    const auto stopped = host::run_checked(ground_.host, cluster_->stop("fast"));
    Seen here;
    TRY(see_here(here));
    if (here.here == Seen::Here::stopped) return {};
    return fail(ErrorKind::failed, fmt::format("{} does not stop{}", cluster_->name(),
                                               stopped ? "" : ": " + stopped.error().what));
}

Result<bool> Postgresql::set_primary()
{
    constexpr std::string_view name = "primary_conninfo";
    const std::string path = cluster_->data() + "/postgresql.auto.conf";
    const std::string before = TRY(ground_.host.read(path));
    const std::string after = without_setting(before, name) + setting(name, ask_.peer);
    if (after == before) return false;
    TRY(ground_.host.replace(path, after));
    return true;
}

Result<void> Postgresql::stand_by()
{
    TRY(find());
    const Seen seen = TRY(see_at_rest());
    gave_up_before_ = seen.gave_up;
    if (seen.serves()) return hand_over(seen);
    if (seen.server) {
        if (seen.peer_serves()) return follow();
        if (seen.peer_stands_by()) return two_standbys();
        return fail(ErrorKind::unavailable,
                    fmt::format("{} stands by, but its peer does not answer, and may not serve: {}",
                                cluster_->name(), seen.peer_problem));
    }
    if (seen.gave_up) {
        const Control at = TRY(control());
        if (seen.peer_stands_by() && at.state == clean_stop) return give_over();
        TRY(set_primary());
        TRY(start());
        if (seen.peer_serves()) return follow();
        if (seen.peer_stands_by()) return two_standbys();
        return fail(ErrorKind::unavailable,
                    fmt::format("the peer does not answer, and may have been promoted: {} is started as a "
                                "standby, and nobody serves until the peer is back: {}",
                                cluster_->name(), seen.peer_problem));
    }
    if (seen.peer_serves()) return join_again();
    const Control at = TRY(control());
    if (seen.peer_stands_by() && at.state == clean_stop) return give_over();
    TRY(serve_again());
    if (!seen.peer)
        return fail(ErrorKind::unavailable, fmt::format("the peer does not answer, {} serves again: {}",
                                                        cluster_->name(), seen.peer_problem));
    const bool is_hot = TRY(comes_true(ground_, until_caught_up, [&]() -> Result<bool> {
        const Seen again = TRY(see());
        return again.serves() && why_not_hot(again, ask_.max_lag).empty();
    }));
    const Seen again = TRY(see());
    if (!is_hot || !again.serves())
        return fail(ErrorKind::refused,
                    fmt::format("{} serves again: the peer does not catch up", cluster_->name()));
    return hand_over(again);
}

Result<void> Postgresql::hand_over(const Seen& seen)
{
    const std::string why_not = why_not_hot(seen, ask_.max_lag);
    if (!why_not.empty()) return fail(ErrorKind::refused, fmt::format("{}: {}", cluster_->name(), why_not));
    if (!seen.peer->may_promote)
        return fail(ErrorKind::refused, "the role in --peer may not call pg_promote() on the peer",
                    "GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer) TO it");
    if (!seen.server->slot.empty())
        return fail(
            ErrorKind::refused,
            fmt::format("primary_slot_name is {}: this driver works with wal_keep_size, not with slots",
                        seen.server->slot));
    if (seen.server->logical_slots > 0)
        return fail(ErrorKind::refused,
                    fmt::format("{} has logical slots, which the peer would not have", cluster_->name()));
    const host::Outcome identity = TRY(host::run_checked(ground_.host, cluster_->identify_peer()));
    const std::string system = TRY(parse_identity(identity.out));
    if (system != seen.server->system)
        return fail(ErrorKind::refused, "the peer is another cluster: its system identifier differs");

    TRY(host::run_checked(ground_.host, cluster_->ask_here("CHECKPOINT", host::Effect::changes)));
    TRY(demand_live_peer());
    if (const Result<void> stopped = stop(); !stopped) {
        // A stop that has begun cannot be taken back; what is on the disk is not lost by a hard one.
        static_cast<void>(ground_.host.run(cluster_->stop("immediate")).has_value());
        return go_back(stopped.error());
    }
    return give_over();
}

/// A standby that has stopped taking what it is sent is found while this one still serves.
Result<void> Postgresql::demand_live_peer()
{
    Seen here;
    TRY(see_here(here));
    if (!here.serves() || !here.server->written)
        return fail(ErrorKind::refused, fmt::format("{} does not serve any more", cluster_->name()));
    std::string lacks;
    const bool has_it = TRY(comes_true(ground_, until_peer_has_checkpoint, [&]() -> Result<bool> {
        Seen seen;
        see_peer(seen);
        lacks = seen.peer ? to_text(seen.peer->replayed.value_or(Place{})) : seen.peer_problem;
        return seen.peer_stands_by() && seen.peer->replayed && *seen.peer->replayed >= *here.server->written;
    }));
    if (has_it) return {};
    return fail(ErrorKind::refused, fmt::format("the peer does not come to replay {} of {}: it is at {}",
                                                to_text(*here.server->written), cluster_->name(), lacks));
}

/// This member is stopped, and was the primary.
Result<void> Postgresql::give_over()
{
    const Result<Control> last = control();
    if (!last) return go_back(last.error());
    if (last->state != clean_stop)
        return go_back(
            {.kind = ErrorKind::failed,
             .what = fmt::format("{} did not stop as it should: {}", cluster_->name(), last->state)});
    const Result<PeerHas> has = await_last_byte(*last);
    if (!has) return go_back(has.error());
    if (has->what == PeerHas::What::serves) return join_again();
    if (has->what != PeerHas::What::all)
        return go_back(
            {.kind = ErrorKind::refused,
             .what = fmt::format("the peer cannot take over from {}: {}", cluster_->name(), has->says)});
    if (const Result<bool> set = set_primary(); !set) return go_back(set.error());
    // First as its owner, then for good: a power cut behind the promotion must find it.
    if (const auto given = host::run_checked(ground_.host, cluster_->give_up()); !given)
        return go_back(given.error());
    if (const Result<void> kept = ground_.host.replace(cluster_->data() + "/standby.signal", ""); !kept)
        return go_back(kept.error());
    const Result<void> promoted = promote_peer();
    TRY(start());
    TRY(promoted);
    return follow();
}

/// The record at `checkpoint` is the last; what is replayed beyond its beginning is replayed to its end. A
/// peer that lacks it and gets no further is not waited for.
Result<Postgresql::PeerHas> Postgresql::await_last_byte(const Control& control)
{
    PeerHas has{.what = PeerHas::What::unknown, .says = {}};
    Milliseconds moved = TRY(ground_.host.now()).boot;
    std::optional<Place> replayed;
    TRY(comes_true(ground_, until_caught_up, [&]() -> Result<bool> {
        Seen seen;
        see_peer(seen);
        has = {.what = PeerHas::What::unknown, .says = seen.peer_problem};
        if (!seen.peer) return false;
        has = {.what = PeerHas::What::other, .says = "it is another cluster"};
        if (seen.peer->system != control.system) return true;
        has = {.what = PeerHas::What::serves, .says = "it serves"};
        if (seen.peer_serves()) return true;
        has = {.what = PeerHas::What::all, .says = {}};
        if (seen.peer->replayed && *seen.peer->replayed > control.checkpoint) return true;
        has = {
            .what = PeerHas::What::less,
            .says = fmt::format("it has replayed up to {}, and the last record is at {}",
                                to_text(seen.peer->replayed.value_or(Place{})), to_text(control.checkpoint))};
        const Milliseconds now = TRY(ground_.host.now()).boot;
        if (replayed != seen.peer->replayed) moved = now;
        replayed = seen.peer->replayed;
        return seen.peer->received.value_or(Place{}) <= control.checkpoint && now - moved > until_it_is_stuck;
    }));
    return has;
}

/// Only while nobody can have been promoted: behind standby.signal of an earlier run there is no way back.
std::unexpected<Error> Postgresql::go_back(Error problem)
{
    if (gave_up_before_) {
        const Result<void> started = start();
        problem.kind = ErrorKind::unavailable;
        problem.what += fmt::format("; {} {}, and nobody serves until the peer does", cluster_->name(),
                                    started ? "stands by" : "is stopped");
        return std::unexpected(std::move(problem));
    }
    const Result<void> serves = serve_again();
    problem.what += serves ? fmt::format("; {} serves again", cluster_->name())
                           : fmt::format("; and {} could not be started as the primary again: {}",
                                         cluster_->name(), serves.error().what);
    if (serves) problem.kind = ErrorKind::refused;
    return std::unexpected(std::move(problem));
}

Result<void> Postgresql::serve_again()
{
    TRY(ground_.host.remove(cluster_->data() + "/standby.signal"));
    TRY(start());
    const bool serves = TRY(comes_true(ground_, until_it_serves, [&]() -> Result<bool> {
        Seen here;
        TRY(see_here(here));
        return here.serves();
    }));
    if (!serves)
        return fail(ErrorKind::timeout, fmt::format("{} is started, and does not serve", cluster_->name()));
    return {};
}

/// From the first question on there is no way back: the answer may be lost, and the promotion done.
Result<void> Postgresql::promote_peer()
{
    std::string problem;
    const bool is_done = TRY(comes_true(ground_, until_promoted, [&]() -> Result<bool> {
        const auto asked =
            host::run_checked(ground_.host, cluster_->ask_peer(promotion, host::Effect::changes));
        if (!asked) problem = asked.error().what;
        Seen seen;
        see_peer(seen);
        if (!seen.peer) problem = seen.peer_problem;
        return seen.peer_serves();
    }));
    if (is_done) return {};
    return fail(ErrorKind::lost,
                fmt::format("the peer was told to serve, and does not say that it does; {} "
                            "stands by until then: {}",
                            cluster_->name(), problem),
                "run stand-by again when the peer answers");
}

/// This member runs and stands by, and so does the peer, which follows it or nobody.
Result<void> Postgresql::two_standbys()
{
    const bool has_all = TRY(comes_true(ground_, until_caught_up, [&]() -> Result<bool> {
        const Seen seen = TRY(see());
        if (!seen.server || !seen.peer || seen.server->system != seen.peer->system) return false;
        return seen.peer_serves() || (seen.server->replayed && seen.peer->replayed &&
                                      *seen.peer->replayed >= *seen.server->replayed);
    }));
    if (!has_all)
        return fail(ErrorKind::refused,
                    fmt::format("both stand by, and the peer lacks what {} has", cluster_->name()));
    TRY(promote_peer());
    return follow();
}

Result<bool> Postgresql::comes_to_stream(Milliseconds limit)
{
    return comes_true(ground_, limit, [&]() -> Result<bool> {
        Seen here;
        TRY(see_here(here));
        return here.server && here.server->is_standby && here.server->is_streaming;
    });
}

/// This member was started as a standby.
Result<void> Postgresql::follow()
{
    const bool is_new = TRY(set_primary());
    if (is_new)
        TRY(host::run_checked(ground_.host,
                              cluster_->ask_here("SELECT pg_reload_conf()", host::Effect::changes)));
    bool streams = TRY(comes_to_stream(before_a_look_for_divergence));
    if (streams) return {};
    const Seen seen = TRY(see());
    if (seen.peer_serves()) {
        if (seen.here != Seen::Here::stopped) TRY(stop());
        return join_again();
    }
    streams = TRY(comes_to_stream(until_it_streams));
    if (streams) return {};
    return fail(ErrorKind::timeout,
                fmt::format("{} stands by, and does not come to stream from its peer", cluster_->name()),
                "look into the log of the server");
}

/// Until the checkpoint behind its promotion, the peer's disk names the timeline before, and pg_rewind takes
/// two that have parted for one. Source: the release notes of PostgreSQL 16, "pg_rewind".
Result<void> Postgresql::await_timeline_of_peer()
{
    // Makes it quick, where the role may; it comes by itself too.
    static_cast<void>(ground_.host.run(cluster_->ask_peer("CHECKPOINT", host::Effect::changes)).has_value());
    const bool is_kept = TRY(comes_true(ground_, until_checkpoint_of_peer, [&]() -> Result<bool> {
        Seen seen;
        see_peer(seen);
        return seen.peer_serves() && seen.peer->timeline_is_kept;
    }));
    if (is_kept) return {};
    return fail(ErrorKind::timeout, "the peer has not ended the checkpoint behind its promotion",
                "CHECKPOINT there");
}

/// This member is stopped, and another has taken its place.
Result<void> Postgresql::join_again()
{
    const Control at = TRY(control());
    bool must_rewind = at.state != clean_stop && at.state != clean_stop_of_a_standby;
    std::string parted = "it ended without a stop";
    TRY(await_timeline_of_peer());
    if (!must_rewind) {
        const host::Outcome said = TRY(host::run_checked(ground_.host, cluster_->rewind(true)));
        const std::string all = said.out + said.err;
        must_rewind = all.find("no rewind required") == std::string::npos;
        if (const size_t from = all.find("servers diverged"); from != std::string::npos)
            parted = all.substr(from, all.find('\n', from) - from);
    }
    if (must_rewind && !ask_.may_rewind)
        return fail(ErrorKind::refused,
                    fmt::format("{} may have transactions that its peer, which serves, lacks: {}",
                                cluster_->name(), parted),
                    "stand-by with --rewind throws them away");
    if (must_rewind) TRY(host::run_checked(ground_.host, cluster_->rewind(false)));
    TRY(set_primary());
    TRY(host::run_checked(ground_.host, cluster_->give_up()));
    TRY(ground_.host.replace(cluster_->data() + "/standby.signal", ""));
    TRY(start());
    const bool streams = TRY(comes_to_stream(until_it_streams));
    if (streams) return {};
    return fail(ErrorKind::timeout,
                fmt::format("{} stands by, and does not come to stream from its peer", cluster_->name()),
                "look into the log of the server");
}

/// What is started must read what is on the disk. Errors: refused.
Result<void> Postgresql::demand_same_major()
{
    const std::string kept = TRY(ground_.host.read(cluster_->data() + "/PG_VERSION"));
    const host::Outcome said = TRY(host::run_checked(ground_.host, cluster_->program_version()));
    const std::string major = kept.substr(0, kept.find('\n'));
    const std::string version = said.out.substr(0, said.out.find('\n'));
    if (version.find(fmt::format(" {}.", major)) != std::string::npos) return {};
    return fail(ErrorKind::refused,
                fmt::format("{} is of PostgreSQL {}, and what would be started is {}", cluster_->name(),
                            major, version),
                "a new major version needs pg_upgrade, or replication by logical slots");
}

Result<void> Postgresql::restart()
{
    TRY(find());
    const Seen seen = TRY(see_at_rest());
    if (seen.serves())
        return fail(ErrorKind::refused, fmt::format("{} serves", cluster_->name()), "stand-by comes first");
    if (!seen.gave_up)
        return fail(ErrorKind::refused, fmt::format("{} would start as a primary", cluster_->name()),
                    "stand-by makes a standby of it");
    TRY(demand_same_major());
    if (seen.server) TRY(stop());
    TRY(start());
    if (seen.peer_serves()) return follow();
    const bool runs = TRY(comes_true(ground_, until_it_serves, [&]() -> Result<bool> {
        Seen here;
        TRY(see_here(here));
        return here.here == Seen::Here::running;
    }));
    if (!runs)
        return fail(ErrorKind::timeout, fmt::format("{} is started, and does not answer", cluster_->name()));
    return {};
}

Result<std::vector<std::string>> Postgresql::commands(Verb verb)
{
    TRY(find());
    const auto lines = [](std::initializer_list<host::Command> commands) {
        std::vector<std::string> texts;
        for (const host::Command& command : commands) texts.push_back(command.to_text());
        return texts;
    };
    if (verb == Verb::restart) return lines({cluster_->stop("fast"), cluster_->start()});
    if (verb != Verb::stand_by) return std::vector<std::string>();
    std::vector<std::string> texts =
        lines({cluster_->identify_peer(), cluster_->ask_here("CHECKPOINT"), cluster_->stop("fast"),
               cluster_->control(), cluster_->ask_peer("SELECT pg_last_wal_replay_lsn()")});
    host::Command append{.argv = {"tee", "-a", cluster_->data() + "/postgresql.auto.conf"}};
    append.input = setting("primary_conninfo", ask_.peer);
    const std::vector<std::string> rest =
        lines({append, cluster_->give_up(), cluster_->ask_peer(promotion), cluster_->start()});
    texts.insert(texts.end(), rest.begin(), rest.end());
    return texts;
}

}  // namespace belay::upgrade::driver::postgresql
