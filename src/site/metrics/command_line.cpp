#include "site/metrics/command_line.h"

#include "site/metrics/exporter.h"
#include "site/readiness.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <prometheus/exposer.h>
#include <pthread.h>

namespace belay::site::metrics {
namespace {

constexpr int exit_cannot_serve = 1;
constexpr int exit_usage = 2;
// One may be slow to take its answer while another asks.
constexpr size_t threads = 2;

struct Asked {
    std::string listen = "127.0.0.1:9478";
    Exporter::Options options = {.socket = "/run/belay/belayd.sock",
                                 .messages_socket = "/run/belay/messages.sock"};
    std::string log_level = "standard";
    std::optional<int> ready_fd;
};

/// The library throws where it cannot listen.
Result<std::unique_ptr<prometheus::Exposer>> listen_at(const std::string& address)
{
    try {
        return std::make_unique<prometheus::Exposer>(address, threads);
    } catch (const std::exception&) {
        return fail(ErrorKind::unavailable, fmt::format("cannot listen at {}", address),
                    "another program may have this port (ss -ltnp), or it is no HOST:PORT; belay-metrics "
                    "--listen HOST:PORT");
    }
}

/// Blocked in the threads that come as well, so that sigwait gets them.
sigset_t block_ends()
{
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    return ends;
}

int serve(const Asked& asked, LogLevel level)
{
    Readiness readiness(asked.ready_fd);
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    const sigset_t ends = block_ends();
    Log log(level);
    const auto exporter = std::make_shared<Exporter>(asked.options, log);
    auto exposer = listen_at(asked.listen);
    if (!exposer) {
        readiness.failed(exposer.error());
        return exit_cannot_serve;
    }
    (*exposer)->RegisterCollectable(exporter);
    const std::vector<int> ports = (*exposer)->GetListeningPorts();
    const std::string host = asked.listen.substr(0, asked.listen.rfind(':'));
    log.standard(fmt::format("belay-metrics {}, process {}, serves http://{}:{}/metrics", BELAY_VERSION,
                             getpid(), host, ports.empty() ? 0 : ports.front()));
    readiness.ready();
    int which = 0;
    sigwait(&ends, &which);
    readiness.stopping();
    return 0;
}

}  // namespace

int run(int argc, char** argv)
{
    Asked asked;
    CLI::App app(
        "Answers Prometheus with figures of this host, and on a controller of all its site, as belayd tells "
        "them.\nIt stays in the foreground.");
    app.footer(
        "Example: belay-metrics --listen 127.0.0.1:9478, and then: curl http://127.0.0.1:9478/metrics\n"
        "Exit codes: 0 after SIGTERM or SIGINT, 1 it could not serve, 2 wrong arguments.");
    app.add_option("--listen", asked.listen, "Where it listens; whoever gets there may read all of it")
        ->envname("BELAY_METRICS_LISTEN")
        ->type_name("HOST:PORT")
        ->capture_default_str();
    app.add_option("--socket", asked.options.socket, "Where belayd listens")
        ->envname("BELAY_SOCKET")
        ->capture_default_str();
    app.add_option("--messages-socket", asked.options.messages_socket, "Where belay-messages listens")
        ->envname("BELAY_MESSAGES_SOCKET")
        ->capture_default_str();
    app.add_option("--log-verbose", asked.log_level, "How much it says of itself: none, standard, trace, all")
        ->type_name("LEVEL")
        ->capture_default_str();
    app.add_option("--ready-fd", asked.ready_fd,
                   "A descriptor to which it writes \"ready\", or an error as JSON, and a newline")
        ->check(CLI::Range(3, 1 << 20));
    app.set_version_flag("-v,-V,--version", "belay-metrics " BELAY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    const Result<LogLevel> level = log_level_named(asked.log_level);
    if (!level || asked.listen.find(':') == std::string::npos) {
        print_error(level ? Error{.kind = ErrorKind::usage,
                                  .what = fmt::format("--listen {} is no HOST:PORT", asked.listen)}
                          : level.error());
        return exit_usage;
    }
    return serve(asked, *level);
}

}  // namespace belay::site::metrics
