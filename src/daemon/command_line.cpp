#include "daemon/command_line.h"

#include "daemon/daemon.h"

#include <CLI/CLI.hpp>

namespace belay::daemon {

int run(int argc, char** argv, const Parts& parts)
{
    constexpr int exit_cannot_serve = 1;
    constexpr int exit_usage = 2;
    Options options;
    std::optional<int> ready_fd;

    CLI::App app(
        "Carries out the operations of Belay and answers the command belay.\n"
        "It stays in the foreground; belay starts it when it does not run.");
    app.footer(
        "Example: belayd --state-dir /tmp/try/state --socket /tmp/try/belayd.sock\n"
        "Exit codes: 0 after SIGTERM or SIGINT, 1 it could not serve, 2 wrong arguments.");
    app.add_option("--state-dir", options.state_folder, "Folder of the journal")
        ->envname("BELAY_STATE_DIR")
        ->capture_default_str()
        ->check([](const std::string& path) { return path.starts_with('/') ? "" : "must be absolute"; });
    app.add_option("--socket", options.socket, "Where it listens")
        ->envname("BELAY_SOCKET")
        ->capture_default_str()
        ->check([](const std::string& path) { return path.starts_with('/') ? "" : "must be absolute"; });
    app.add_option(
           "--alarm-command", options.alarm_command,
           "A program in the system's folders, called as PROGRAM EVENT DEVICE MEMBER TEXT for each alarm")
        ->check([](const std::string& name) {
            return name.empty() || name.find('/') != std::string::npos ? "must be the bare name of a program"
                                                                       : "";
        });
    app.add_option("--ready-fd", ready_fd,
                   "For belay: a descriptor to which it writes \"ready\", or an error as JSON, and a newline")
        ->check(CLI::Range(3, 1 << 20));
    app.set_version_flag("--version", "belayd " BELAY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    Readiness readiness(ready_fd);
    return serve(options, parts, readiness) ? 0 : exit_cannot_serve;
}

}  // namespace belay::daemon
