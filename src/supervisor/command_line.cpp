#include "supervisor/command_line.h"

#include "host/application/process_handle.h"
#include "host/program.h"
#include "site/local_socket.h"
#include "site/log.h"
#include "site/readiness.h"
#include "supervisor/guard.h"
#include "supervisor/supervisor.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

constexpr int exit_cannot_serve = 1;
constexpr int exit_usage = 2;
constexpr const char* guarded_option = "--guarded";
constexpr int most_tries_to_lock = 20;
constexpr Milliseconds between_tries_to_lock{10};

struct Asked {
    std::string socket = "/run/belay/supervisor.sock";
    std::string state_folder = "/var/lib/belay";
    std::optional<int> ready_fd;
    std::string log_level;
    uint16_t pair_port = 7434;
    pid_t guard = 0;
};

std::string must_be_absolute(const std::string& path)
{
    return path.starts_with('/') ? "" : "must be absolute";
}

std::string run_folder_of(const Asked& asked)
{
    return asked.socket.substr(0, asked.socket.rfind('/')) + "/applications";
}

/// One supervisor for each run folder. What the one before has begun holds the lock for a moment, until it
/// closes what is not its own. Errors: busy, those of the system.
Result<host::Descriptor> take_lock(const std::string& run_folder)
{
    TRY(RunFolder::open(run_folder));
    host::Descriptor lock(open((run_folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return std::unexpected(system_error(fmt::format("open {}/lock", run_folder), errno));
    int tries = 0;
    while (flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
        if (++tries < most_tries_to_lock) {
            std::this_thread::sleep_for(between_tries_to_lock);
            continue;
        }
        return fail(ErrorKind::busy, fmt::format("another belay-supervisor serves {}", run_folder),
                    "fuser -v " + run_folder + "/lock");
    }
    return lock;
}

class Program {
  public:
    Program(const Asked& asked, char** argv) : asked_(asked), argv_(argv), log_(log_level()) {}

    Result<void> serve(site::Readiness& readiness)
    {
        lock_ = TRY(take_lock(run_folder_of(asked_)));
        loop_ = TRY(site::Loop::open());
        workers_.emplace(*loop_);
        TRY(catch_signals());
        watch_guard();
        supervisor_ = TRY(Supervisor::open(*loop_, *workers_,
                                           {.run_folder = run_folder_of(asked_),
                                            .log_folder = asked_.state_folder + "/output",
                                            .key_file = asked_.state_folder + "/pairs.key",
                                            .pair_port = asked_.pair_port,
                                            .said = [this](const std::string& line) { log_.standard(line); },
                                            .renew = [this] { begin_anew(true); },
                                            .page_begun = [this] { tell_guard(); }}));
        host::Descriptor listener = TRY(site::listen_at(asked_.socket, ""));
        server_ = TRY(site::Server::open(*loop_, *workers_, std::move(listener), supervisor_->methods()));
        supervisor_->set_server(server_.get());
        log_.standard(fmt::format("belay-supervisor {}, process {}, serves {}", BELAY_VERSION, getpid(),
                                  asked_.socket));
        readiness.ready();
        TRY(loop_->run());
        supervisor_->detach();
        return {};
    }

    /// After serve(): comes back only where it could not.
    bool begins_anew() const { return begins_anew_; }
    Error become_new() const
    {
        std::vector<char*> words;
        for (char** word = argv_; *word != nullptr; ++word) {
            const std::string_view text = *word;
            if (text == "--ready-fd" || text == guarded_option)
                ++word;
            else if (!text.starts_with("--ready-fd="))
                words.push_back(*word);
        }
        std::string guarded = guarded_option;
        std::string guard = std::to_string(asked_.guard);
        if (stays_guarded_) words.insert(words.end(), {guarded.data(), guard.data()});
        words.push_back(nullptr);
        return host::become_sibling("", words.data());
    }

  private:
    site::LogLevel log_level() const
    {
        if (const auto level = site::log_level_named(asked_.log_level)) return *level;
        return asked_.ready_fd ? site::LogLevel::none : site::LogLevel::standard;
    }

    Result<void> catch_signals()
    {
        sigset_t caught;
        sigemptyset(&caught);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&caught, signal);
        pthread_sigmask(SIG_BLOCK, &caught, nullptr);
        signals_ = host::Descriptor(signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!signals_) return std::unexpected(system_error("catch signals", errno));
        TRY(loop_->watch(signals_.number(), EPOLLIN, [this](uint32_t) {
            signalfd_siginfo signal{};
            if (read(signals_.number(), &signal, sizeof signal) <= 0) return;
            if (signal.ssi_signo == SIGHUP) return begin_anew(true);
            end();
        }));
        return {};
    }

    /// Without a guard nobody would start us anew, or see how the applications of a dead one end. It may have
    /// died before we look; then its number is another's, or nobody's.
    void watch_guard()
    {
        guard_ = host::Descriptor(static_cast<int>(syscall(SYS_pidfd_open, asked_.guard, 0)));
        if (guard_ && getppid() == asked_.guard) {
            const auto watch = loop_->watch(guard_.number(), EPOLLIN, [this](uint32_t) {
                loop_->forget(guard_watch_);
                become_guard();
            });
            if (watch) {
                guard_watch_ = *watch;
                return;
            }
        }
        guard_.close();
        loop_->at(site::boot_now(), [this] { become_guard(); });
    }

    void become_guard()
    {
        log_.standard("its guard is gone; becomes one, and starts another supervisor");
        begin_anew(false);
    }

    void tell_guard() const { static_cast<void>(host::send_signal(guard_.number(), SIGUSR1).has_value()); }

    void end()
    {
        if (ending_) return;
        ending_ = true;
        log_.standard("was told to end; stops its applications");
        supervisor_->stop_all([this] { leave(); });
    }

    void begin_anew(bool guarded)
    {
        if (ending_) return;
        ending_ = begins_anew_ = true;
        stays_guarded_ = guarded;
        supervisor_->keep_for_renewal();
        supervisor_->detach();
        leave();
    }

    void leave()
    {
        server_->stop();
        if (workers_->idle()) return loop_->stop();
        workers_->when_idle([this] { loop_->stop(); });
    }

    const Asked& asked_;
    char** argv_;
    site::Log log_;
    host::Descriptor lock_, signals_, guard_;
    site::Loop::WatchId guard_watch_ = 0;
    std::unique_ptr<site::Loop> loop_;
    std::optional<site::Workers> workers_;
    std::unique_ptr<Supervisor> supervisor_;
    std::unique_ptr<site::Server> server_;
    bool ending_ = false;
    bool begins_anew_ = false;
    bool stays_guarded_ = true;
};

int serve(const Asked& asked, char** argv)
{
    site::Readiness readiness(asked.ready_fd);
    std::optional<Program> program(std::in_place, asked, argv);
    if (const Result<void> served = program->serve(readiness); !served) {
        readiness.failed(served.error());
        return exit_cannot_serve;
    }
    if (!program->begins_anew()) return 0;
    site::print_error(program->become_new());
    return exit_cannot_serve;
}

}  // namespace

int run(int argc, char** argv)
{
    Asked asked;
    CLI::App app(
        "Starts the applications of this host, watches them, and keeps them running; asked by belayd.\n"
        "It stays in the foreground. SIGTERM stops its applications and ends it; SIGHUP runs its program\n"
        "anew, as after an update, while the applications go on.");
    app.footer(
        "Example: belay-supervisor --socket /tmp/try/supervisor.sock --state-dir /tmp/try/state\n"
        "Exit codes: 0 after SIGTERM or SIGINT, 1 it could not serve, 2 wrong arguments.");
    app.add_option("--socket", asked.socket, "Where it listens; what it leaves for the next lies beside it")
        ->envname("BELAY_SUPERVISOR_SOCKET")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option("--state-dir", asked.state_folder, "What the applications print goes to output/ in it")
        ->envname("BELAY_STATE_DIR")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option("--pair-port", asked.pair_port,
                   "UDP port at which the other hosts of its pairs reach it; 0: any")
        ->envname("BELAY_PAIR_PORT")
        ->capture_default_str();
    app.add_option("--log-verbose", asked.log_level, "How much it says of itself: none, standard, trace, all")
        ->type_name("LEVEL");
    app.add_option(
           "--ready-fd", asked.ready_fd,
           "For belayd: a descriptor to which it writes \"ready\", or an error as JSON, and a newline")
        ->check(CLI::Range(3, 1 << 20));
    app.add_option(guarded_option, asked.guard)->group("");
    app.set_version_flag("-v,-V,--version", "belay-supervisor " BELAY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    if (asked.guard == 0) {
        const Guarded guarded = guard(run_folder_of(asked), asked.ready_fd);
        if (guarded.is_guard) return guarded.exit_code;
        asked.guard = guarded.by;
    }
    return serve(asked, argv);
}

}  // namespace belay::supervisor
