#include "upgrade/driver/command_line.h"

#include "host/real.h"
#include "upgrade/driver/driver_program.h"
#include "upgrade/driver/haproxy.h"
#include "upgrade/driver/image_program.h"
#include "upgrade/driver/keepalived.h"
#include "upgrade/driver/look_text.h"
#include "upgrade/driver/nginx.h"
#include "upgrade/driver/postgresql/postgresql.h"
#include "upgrade/driver/turn.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>

namespace belay::upgrade::driver {
namespace {

constexpr int exit_refused = 1;
constexpr int exit_usage = 2;
constexpr Milliseconds waits_for_its_turn = std::chrono::minutes(3);

/// What is asked of which member.
struct Asked {
    std::vector<std::string> words;    ///< the verb, and for `commands` that of which
    std::vector<std::string> program;  ///< of `check` and `run`
    ImageProgram run;
    postgresql::Ask postgresql;
    KeepalivedAsk keepalived;
    HaproxyAsk haproxy;
    NginxAsk nginx;
};

using Make = std::function<Result<std::unique_ptr<Driver>>(const Ground&)>;

struct Kind {
    std::string member;  ///< whose turn it is: the same for two verbs of one member
    Make make;
};

int refuse(const Error& error)
{
    std::string sentence = "belay-driver: " + error.what;
    if (!error.next.empty()) sentence += " (" + error.next + ")";
    std::ranges::replace_if(sentence, [](unsigned char c) { return c < 0x20; }, ' ');
    static_cast<void>(std::fprintf(stderr, "%s\n", sentence.c_str()));
    return error.kind == ErrorKind::usage ? exit_usage : exit_refused;
}

void print(const std::string& line)
{
    static_cast<void>(std::fprintf(stdout, "%s\n", line.c_str()));
}

Result<void> say(Driver& driver, Verb verb, bool only_commands)
{
    if (!only_commands) {
        const Look look = TRY(driver.look());
        print(to_text(look));
        return {};
    }
    const std::vector<std::string> lines = TRY(driver.commands(verb));
    for (const std::string& line : lines) print(line);
    return {};
}

Result<void> act(const Kind& kind, const Asked& asked)
{
    const bool only_commands = asked.words.front() == "commands";
    const std::optional<Verb> verb = verb_named(asked.words.back());
    if (!verb || asked.words.size() != (only_commands ? 2 : 1))
        return fail(
            ErrorKind::usage,
            "the verb is one of look, stand-by, restart, take-over, renew, drain, undrain, commands VERB");
    const bool changes = !only_commands && *verb != Verb::look;
    host::Descriptor turn;
    if (changes) turn = TRY(take_turn(kind.member, waits_for_its_turn));
    const std::unique_ptr<host::Host> host =
        host::real_host(changes ? std::optional(turn.number()) : std::nullopt);
    const char* const image = std::getenv("BELAY_IMAGE_FOLDER");  // NOLINT(concurrency-mt-unsafe)
    const Ground ground{.host = *host,
                        .pause = [](Milliseconds span) { std::this_thread::sleep_for(span); },
                        .image_folder = image == nullptr ? "" : image,
                        .is_root = geteuid() == 0};
    const std::unique_ptr<Driver> driver = TRY(kind.make(ground));
    if (changes) return perform(*driver, *verb);
    return say(*driver, *verb, only_commands);
}

/// Looks as Belay does, and at what the driver says that it would run.
Result<void> check(const std::vector<std::string>& words)
{
    if (words.empty()) return fail(ErrorKind::usage, "check -- DRIVER ARGS... names the driver to look at");
    const std::unique_ptr<host::Host> host = host::real_host();
    DriverProgram driver(*host, {.argv = words});
    const Look look = TRY(driver.look());
    print(fmt::format("{}{}: {}", name_of(look.role), look.hot ? ", hot" : "", look.says));
    std::vector<Verb> verbs = {Verb::stand_by, Verb::restart};
    verbs.insert(verbs.end(), look.offers.begin(), look.offers.end());
    for (const Verb verb : verbs) {
        const std::vector<std::string> lines = TRY(driver.commands(verb));
        print(fmt::format("{}:", name_of(verb)));
        for (const std::string& line : lines) print("  " + line);
    }
    return {};
}

constexpr const char* exit_codes = "Exit codes: 0 done, 1 refused or failed, 2 wrong arguments.";

CLI::App* add_kind(CLI::App& app, Asked& asked, const char* name, const char* what, const char* example)
{
    CLI::App* const kind = app.add_subcommand(name, what);
    kind->footer(fmt::format("Example: belay-driver {} {}\n{}", name, example, exit_codes));
    kind->add_option("verb", asked.words,
                     "look, stand-by, restart, take-over, renew, drain, undrain, or commands VERB")
        ->required()
        ->type_name("")
        ->expected(1, 2);
    return kind;
}

void add_starts_at_boot(CLI::App& kind, bool& starts_at_boot)
{
    kind.add_flag("--starts-at-boot", starts_at_boot,
                  "It is started with its host, though not by systemd: you vouch for that");
}

void add_postgresql(CLI::App& app, Asked& asked)
{
    CLI::App* const kind = add_kind(app, asked, "postgresql", "A PostgreSQL primary and its standby",
                                    "--cluster 15/main --peer 'host=db2 user=belay dbname=postgres' look");
    postgresql::Ask& ask = asked.postgresql;
    kind->add_option("--cluster", ask.cluster, "One of Debian's clusters, as 15/main")
        ->type_name("VERSION/NAME");
    kind->add_option("--data", ask.data, "The folder of any other cluster")->type_name("DIR");
    kind->add_option("--bin", ask.bin, "Where pg_ctl and psql are; bin of the image unless told")
        ->type_name("DIR");
    kind->add_option("--port", ask.port, "Of the cluster in --data")->capture_default_str();
    kind->add_option("--socket-dir", ask.socket_folder, "Of the cluster in --data")->capture_default_str();
    kind->add_option("--unit", ask.unit, "What systemd starts it as; pg_ctl unless told")->type_name("NAME");
    kind->add_option("--log", ask.log, "Where a server that pg_ctl starts writes")->type_name("FILE");
    add_starts_at_boot(*kind, ask.starts_at_boot);
    kind->add_option("--peer", ask.peer, "How the other is reached: 'host=db2 user=belay dbname=postgres'")
        ->type_name("CONNINFO");
    kind->add_option("--max-lag", ask.max_lag, "Bytes that a hot standby may be behind")
        ->capture_default_str();
    kind->add_flag("--rewind", ask.may_rewind,
                   "Throw away what this one has and the peer, which serves, lacks");
}

/// What is restarted: a unit unless a file of a process is named alone.
void add_service(CLI::App& kind, ServiceAsk& ask, std::string& pid_file, const char* pid_option,
                 const char* unit)
{
    ask.unit = unit;
    CLI::Option* const by_unit = kind.add_option("--unit", ask.unit, "What systemd starts it as")
                                     ->type_name("NAME")
                                     ->capture_default_str();
    CLI::Option* const by_file =
        kind.add_option(pid_option, pid_file, "Its process, where systemd does not start it")
            ->type_name("FILE");
    add_starts_at_boot(kind, ask.starts_at_boot);
    kind.callback([&ask, &pid_file, by_unit, by_file] {
        ask.pid_file = pid_file;
        if (by_file->count() > 0 && by_unit->count() == 0) ask.unit.clear();
    });
}

void add_keepalived(CLI::App& app, Asked& asked)
{
    CLI::App* const kind = add_kind(app, asked, "keepalived", "A pair whose address keepalived moves",
                                    "--address 192.0.2.10 --track-file /run/belay/web.weight take-over");
    KeepalivedAsk& ask = asked.keepalived;
    kind->add_option("--address", ask.address, "The virtual address");
    kind->add_option("--track-file", ask.track_file, "What track_file in its configuration names")
        ->type_name("FILE");
    kind->add_option("--state-file", ask.state_file, "What its notify script writes")->type_name("FILE");
    kind->add_option("--peer", ask.peer, "An address of the other host, asked by ping before it is to serve");
    kind->add_option("--step", ask.step, "By which a priority is raised and lowered")->capture_default_str();
    add_service(*kind, ask.service, ask.pid_file, "--pid-file", "keepalived");
}

void add_haproxy(CLI::App& app, Asked& asked)
{
    CLI::App* const kind = add_kind(app, asked, "haproxy", "A server behind HAProxy, or HAProxy itself",
                                    "--server shop/web1 --unit shop drain");
    HaproxyAsk& ask = asked.haproxy;
    kind->add_option("--socket", ask.socket, "Its runtime socket, or ipv4@HOST:PORT")->capture_default_str();
    kind->add_option("--server", ask.server, "The server of which back end")->type_name("BACKEND/SERVER");
    add_service(*kind, ask.service, ask.service.pid_file, "--pid-file", "haproxy");
}

void add_nginx(CLI::App& app, Asked& asked)
{
    CLI::App* const kind = add_kind(app, asked, "nginx", "nginx, replaced while it serves", "renew");
    kind->add_option("--pid-file", asked.nginx.pid_file, "Of its master process")->capture_default_str();
    kind->add_option("--unit", asked.nginx.unit, "What systemd starts it as")->capture_default_str();
}

CLI::App* add_run(CLI::App& app, Asked& asked)
{
    CLI::App* const run = app.add_subcommand(
        "run",
        "Run a program of an image, of the version that packages.conf names, as a unit of systemd does");
    run->footer(
        "Example: belay-driver run --image web -- bin/web 8080\n"
        "Exit codes: those of the program; 1 it could not be started, 2 wrong arguments.");
    run->add_option("--image", asked.run.image, "The name of the image")->required();
    run->add_option("--library", asked.run.library, "The folder of the installed images")
        ->type_name("DIR")
        ->capture_default_str();
    run->add_option("program", asked.run.words,
                    "The program, from the folder of the version, and its arguments, behind --")
        ->required();
    return run;
}

/// The kind that was named.
Kind kind_of(const CLI::App& app, const Asked& asked)
{
    if (app.got_subcommand("postgresql"))
        return {.member = "postgresql " + asked.postgresql.cluster + asked.postgresql.data,
                .make = [&](const Ground& ground) -> Result<std::unique_ptr<Driver>> {
                    return postgresql::Postgresql::make(ground, asked.postgresql);
                }};
    if (app.got_subcommand("keepalived"))
        return {.member = "keepalived " + asked.keepalived.track_file,
                .make = [&](const Ground& ground) -> Result<std::unique_ptr<Driver>> {
                    return Keepalived::make(ground, asked.keepalived);
                }};
    if (app.got_subcommand("haproxy"))
        return {.member = "haproxy " + asked.haproxy.socket + ' ' + asked.haproxy.server,
                .make = [&](const Ground& ground) -> Result<std::unique_ptr<Driver>> {
                    return Haproxy::make(ground, asked.haproxy);
                }};
    return {.member = "nginx " + asked.nginx.pid_file,
            .make = [&](const Ground& ground) -> Result<std::unique_ptr<Driver>> {
                return std::make_unique<Nginx>(ground, asked.nginx);
            }};
}

}  // namespace

int run(int argc, char** argv)
{
    Asked asked;
    CLI::App app(
        "Looks at the member of a pair that Belay does not run itself, and moves it: docs/drivers.md.");
    app.footer(
        fmt::format("Example: belay-driver postgresql --cluster 15/main --peer 'host=db2 user=belay "
                    "dbname=postgres' look\n{}",
                    exit_codes));
    app.require_subcommand(1);
    app.set_version_flag("-v,-V,--version", "belay-driver " BELAY_VERSION);
    add_postgresql(app, asked);
    add_keepalived(app, asked);
    add_haproxy(app, asked);
    add_nginx(app, asked);
    CLI::App* const checking = app.add_subcommand("check", "Look at a driver of your own, as Belay does");
    checking->add_option("driver", asked.program, "The driver with its arguments, behind --");
    CLI::App* const running = add_run(app, asked);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    if (running->parsed()) return refuse(replace_by(asked.run));
    const Result<void> done = checking->parsed() ? check(asked.program) : act(kind_of(app, asked), asked);
    return done ? 0 : refuse(done.error());
}

}  // namespace belay::upgrade::driver
