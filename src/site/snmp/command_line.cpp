#include "site/snmp/command_line.h"

#include "site/readiness.h"
#include "site/snmp/sub_agent.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <sys/signalfd.h>

namespace belay::site::snmp {
namespace {

constexpr int exit_cannot_serve = 1;
constexpr int exit_usage = 2;

struct Asked {
    std::string arc = "1.3.6.1.4.1.32473.1";
    SubAgent::Options options = {
        .master = "/var/agentx/master", .socket = "/run/belay/belayd.sock", .arc = {}, .allow_set = false};
    std::string log_level = "standard";
    std::optional<int> ready_fd;
};

/// Blocked in the threads that come as well.
host::Descriptor block_ends()
{
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    return host::Descriptor(signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
}

int serve(const Asked& asked, LogLevel level)
{
    Readiness readiness(asked.ready_fd);
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    const host::Descriptor end = block_ends();
    const auto log = std::make_shared<Log>(level);
    auto agent = SubAgent::start(asked.options, log);
    if (!end || !agent) {
        readiness.failed(agent ? system_error("wait for signals", errno) : agent.error());
        return exit_cannot_serve;
    }
    log->standard(fmt::format("belay-snmp {}, process {}, serves {} to the master agent at {}", BELAY_VERSION,
                              getpid(), asked.arc, asked.options.master));
    readiness.ready();
    (*agent)->serve(end);
    readiness.stopping();
    return 0;
}

}  // namespace

int run(int argc, char** argv)
{
    Asked asked;
    CLI::App app(
        "Tells SNMP managers of this host, and on a controller of all its site, as a sub-agent of snmpd\n"
        "(AgentX). It stays in the foreground.");
    app.footer(
        "Example: belay-snmp, with \"master agentx\" in /etc/snmp/snmpd.conf, and then:\n"
        "snmpwalk -v 3 ... localhost 1.3.6.1.4.1.32473.1\n"
        "Exit codes: 0 after SIGTERM or SIGINT, 1 it could not serve, 2 wrong arguments.");
    app.add_option("--master", asked.options.master,
                   "Where the master agent listens: a path, or as tcp:localhost:705")
        ->envname("BELAY_SNMP_MASTER")
        ->type_name("ADDRESS")
        ->capture_default_str();
    app.add_option("--arc", asked.arc,
                   "Below what its variables are, in place of the number for documentation (RFC 5612)")
        ->envname("BELAY_SNMP_ARC")
        ->type_name("OID")
        ->capture_default_str();
    app.add_flag("--allow-set", asked.options.allow_set,
                 "Managers may start and stop applications, as far as this account may by belayd")
        ->envname("BELAY_SNMP_ALLOW_SET");
    app.add_option("--socket", asked.options.socket, "Where belayd listens")
        ->envname("BELAY_SOCKET")
        ->capture_default_str();
    app.add_option("--log-verbose", asked.log_level, "How much it says of itself: none, standard, trace, all")
        ->type_name("LEVEL")
        ->capture_default_str();
    app.add_option("--ready-fd", asked.ready_fd,
                   "A descriptor to which it writes \"ready\", or an error as JSON, and a newline")
        ->check(CLI::Range(3, 1 << 20));
    app.set_version_flag("-v,-V,--version", "belay-snmp " BELAY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    const Result<LogLevel> level = log_level_named(asked.log_level);
    const Result<Oid> arc = arc_of(asked.arc);
    if (!level || !arc) {
        print_error(level ? arc.error() : level.error());
        return exit_usage;
    }
    asked.options.arc = *arc;
    return serve(asked, *level);
}

}  // namespace belay::site::snmp
