#include "site/media/http/command_line.h"

#include "host/renewed_file.h"
#include "site/local_socket.h"
#include "site/loop.h"
#include "site/media/http/media_server.h"
#include "site/readiness.h"
#include "site/server.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace belay::media {
namespace {

constexpr int exit_cannot_serve = 1;
constexpr int exit_usage = 2;
constexpr std::chrono::seconds patience_at_end{20};

struct Asked {
    MediaOptions options;
    std::string role, socket = default_socket;
    std::string log_level = "standard", log_file;
    std::optional<int> ready_fd;
};

std::string must_be_absolute(const std::string& path)
{
    return path.starts_with('/') ? "" : "must be absolute";
}

Milliseconds wall_now()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

class Program {
  public:
    Program(const Asked& asked, site::Log& log) : asked_(asked), log_(log) {}

    Result<void> serve(site::Readiness& readiness)
    {
        loop_ = TRY(site::Loop::open());
        workers_.emplace(*loop_);
        TRY(catch_signals());
        media_ = TRY(MediaServer::open(asked_.options, wall_now(), log_));
        host::Descriptor listener = TRY(site::listen_at(asked_.socket, site::socket_group));
        watch_certificate();
        server_ = TRY(site::Server::open(*loop_, *workers_, std::move(listener), methods()));
        log_.standard(fmt::format("belayd {}, media server, process {}: serves {} at {}, answers {}",
                                  BELAY_VERSION, ::getpid(), asked_.options.data_folder, media_->address(),
                                  asked_.socket));
        readiness.ready();
        TRY(loop_->run());
        readiness.stopping();
        media_->stop(patience_at_end);
        ::unlink(asked_.socket.c_str());
        log_.standard("has ended");
        return {};
    }

  private:
    std::vector<site::Method> methods()
    {
        return {{.name = "Hello",
                 .right = site::Right::view,
                 .answer = [](const site::Call&) -> Result<site::Reply> {
                     return site::Reply{.parameters = {{"version", BELAY_VERSION}}};
                 }},
                {.name = "MediaStatus",
                 .right = site::Right::view,
                 .answer = [this](const site::Call&) -> Result<site::Reply> {
                     Json status = TRY(media_->status());
                     return site::Reply{.parameters = std::move(status)};
                 }}};
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
            if (::read(signals_.number(), &signal, sizeof signal) <= 0) return;
            if (signal.ssi_signo == SIGHUP)
                renew_certificate();
            else
                end();
        }));
        return {};
    }

    void renew_certificate()
    {
        media_->renew_certificate();
        // The folders may be others by now.
        watch_certificate();
    }

    /// Where its folder cannot be watched a signal is what is left, which the log says.
    void watch_certificate()
    {
        loop_->cancel(std::exchange(renewal_, {}));
        for (const site::Loop::WatchId watch : std::exchange(watches_, {})) loop_->forget(watch);
        renewed_.clear();
        for (const std::string& path : {asked_.options.certificate_file, asked_.options.key_file}) {
            if (path.empty()) continue;
            Result<host::RenewedFile> file = host::RenewedFile::open(path);
            if (!file) {
                log_.standard(fmt::format("will not see when the certificate is renewed, but by SIGHUP: {}",
                                          file.error().what));
                continue;
            }
            const auto watched = std::make_shared<const host::RenewedFile>(*std::move(file));
            renewed_.push_back(watched);
            const auto watch = loop_->watch(watched->descriptor(), EPOLLIN, [this, watched](uint32_t) {
                if (watched->take()) renew_soon();
            });
            if (watch) watches_.push_back(*watch);
        }
    }

    /// The certificate and its key are written one after the other.
    void renew_soon()
    {
        constexpr Milliseconds both_are_written{1'000};
        loop_->cancel(renewal_);
        renewal_ = loop_->at(site::boot_now() + both_are_written, [this] { renew_certificate(); });
    }

    void end()
    {
        if (std::exchange(is_ending_, true)) return;
        log_.standard("was told to end; finishes what is under way");
        server_->stop();
        if (workers_->idle()) return loop_->stop();
        workers_->when_idle([this] { loop_->stop(); });
    }

    const Asked& asked_;
    site::Log& log_;
    host::Descriptor signals_;
    std::unique_ptr<site::Loop> loop_;
    std::optional<site::Workers> workers_;
    std::unique_ptr<MediaServer> media_;
    std::unique_ptr<site::Server> server_;
    std::vector<std::shared_ptr<const host::RenewedFile>> renewed_;
    std::vector<site::Loop::WatchId> watches_;
    site::Loop::TimerId renewal_ = {};
    bool is_ending_ = false;
};

void add_options(CLI::App& app, Asked& asked)
{
    MediaOptions& options = asked.options;
    app.add_option("--role", asked.role, "media: this program")->check(CLI::IsMember({"media"}));
    app.add_option("--listen", options.listen, "Where it serves clients; [::] is all addresses")
        ->envname("BELAY_MEDIA_LISTEN")
        ->type_name("HOST:PORT")
        ->capture_default_str();
    app.add_option("--data", options.data_folder,
                   "The folder of the repositories, with a folder for each space")
        ->envname("BELAY_MEDIA_DATA")
        ->type_name("FOLDER")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option("--state-dir", options.state_folder,
                   "The folder of the accounts, and of the key of its certificates")
        ->envname("BELAY_MEDIA_STATE_DIR")
        ->type_name("FOLDER")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option(
           "--name", options.names,
           "By which clients reach it, besides the name and the addresses of this host; may be repeated")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app.add_option("--tls-cert", options.certificate_file,
                   "A certificate (PEM, with those in between) in place of one that it makes itself")
        ->type_name("FILE")
        ->check(must_be_absolute);
    app.add_option("--tls-key", options.key_file, "The key of that certificate")
        ->type_name("FILE")
        ->check(must_be_absolute);
    app.add_flag("--without-tls", options.without_tls, "For loopback alone, behind a program that has TLS");
    app.add_option("--connections", options.most_connections, "So many at once")
        ->capture_default_str()
        ->check(CLI::Range(16, 1'000'000));
    app.add_option("--connections-per-address", options.most_of_one_address,
                   "So many of them from one address; no such limit unless told")
        ->check(CLI::Range(1, 1'000'000));
    app.add_option("--socket", asked.socket, "Where it answers belay media")
        ->envname("BELAY_MEDIA_SOCKET")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option("--log-verbose", asked.log_level, "How much it says of itself: none, standard, trace, all")
        ->type_name("LEVEL")
        ->capture_default_str();
    app.add_option("--log-file", asked.log_file, "Where it says it; on standard error unless told")
        ->type_name("FILE")
        ->check(must_be_absolute);
    app.add_option("--ready-fd", asked.ready_fd,
                   "A descriptor to which it writes \"ready\", or an error as JSON, and a newline")
        ->check(CLI::Range(3, 1 << 20));
    app.set_config("-c,--config", "",
                   "A file with these options, as name = value; what is given here counts more")
        ->envname("BELAY_MEDIA_CONFIG");
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.set_version_flag("-v,-V,--version", "belayd " BELAY_VERSION);
}

int serve(const Asked& asked)
{
    const Result<site::LogLevel> level = site::log_level_named(asked.log_level);
    if (!level) {
        site::print_error(level.error());
        return exit_usage;
    }
    site::Log log(*level);
    site::Readiness readiness(asked.ready_fd);
    Result<void> served = asked.log_file.empty() ? Result<void>() : log.write_to(asked.log_file);
    if (served) served = Program(asked, log).serve(readiness);
    if (served) return 0;
    readiness.failed(served.error());
    return served.error().kind == ErrorKind::usage ? exit_usage : exit_cannot_serve;
}

}  // namespace

int run(int argc, char** argv)
{
    Asked asked;
    CLI::App app(
        "Serves backup repositories by restic's REST protocol, over TLS, to the accounts that belay media\n"
        "has made. It stays in the foreground.");
    app.footer(
        "Example: belayd --role media --data /srv/belay --listen '[::]:8000'\n"
        "Exit codes: 0 after SIGTERM or SIGINT, 1 it could not serve, 2 wrong arguments.");
    add_options(app, asked);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    return serve(asked);
}

}  // namespace belay::media
