#include "daemon/daemon.h"

#include "daemon/monitor.h"
#include "daemon/scheduler.h"
#include "daemon/services.h"
#include "daemon/state_lock.h"
#include "framework/configuration/register.h"
#include "operation/gates.h"
#include "operation/runbook/make_plan.h"
#include "procedures/config_change.h"
#include "site/server.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace belay::daemon {
namespace {

constexpr const char* socket_group = "belay";
constexpr Milliseconds clock_retry = std::chrono::seconds(60);

class Daemon {
  public:
    Daemon(const Options& options, const Parts& parts, Readiness& readiness)
        : options_(options), parts_(parts), readiness_(readiness)
    {
    }

    Result<void> start()
    {
        lock_.emplace(TRY(take_lock()));
        TRY(catch_signals());
        host_ = parts_.open_host(lock_->inherited());
        parts_.fill(catalogue_);
        operation::add_gate_conditions(catalogue_);
        operation::runbook::fill(catalogue_);
        store_ = TRY(parts_.open_store(options_.state_folder + "/belay.db"));
        open_configuration();
        TRY(open_engine());
        TRY(watch_wall_clock());
        TRY(watch_leases());
        const std::vector<operation::Id> unfinished = TRY(engine_->unfinished());
        host::Descriptor listener = TRY(site::listen_at(options_.socket, socket_group));
        server_ = TRY(site::Server::open(*loop_, *workers_, std::move(listener), methods_of(*services_)));
        for (const operation::Id& id : unfinished) scheduler_->wake(id);
        monitor_->start();
        readiness_.ready();
        return {};
    }

    Result<void> run()
    {
        const Result<void> ran = loop_->run();
        unlink(options_.socket.c_str());
        return ran;
    }

  private:
    Result<StateLock> take_lock()
    {
        return StateLock::take(options_.state_folder, [&] {
            readiness_.waiting(Error{
                .kind = ErrorKind::unavailable,
                .what = fmt::format("belayd waits for commands of an earlier belayd that still work on this "
                                    "machine (they hold {}/lock)",
                                    options_.state_folder),
                .next = "the same command, a little later"});
        });
    }

    Result<void> catch_signals()
    {
        loop_ = TRY(site::Loop::open());
        workers_.emplace(*loop_);
        sigset_t ending;
        sigemptyset(&ending);
        sigaddset(&ending, SIGTERM);
        sigaddset(&ending, SIGINT);
        pthread_sigmask(SIG_BLOCK, &ending, nullptr);
        signals_ = host::Descriptor(signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!signals_) return std::unexpected(system_error("catch signals", errno));
        TRY(loop_->watch(signals_.number(), EPOLLIN, [this](uint32_t) {
            signalfd_siginfo signal{};
            if (read(signals_.number(), &signal, sizeof signal) > 0) stop();
        }));
        return {};
    }

    void open_configuration()
    {
        configuration_.emplace(*store_);
        const framework::configuration::Site site{*store_, *configuration_,
                                                  options_.state_folder + "/configuration.key"};
        procedures::fill_configuration(catalogue_, site);
        std::ranges::move(procedures::configuration_procedures(site), std::back_inserter(parts_.procedures));
        std::ranges::sort(parts_.procedures, {}, &procedures::Procedure::name);
    }

    Result<void> open_engine()
    {
        engine_ = TRY(operation::Engine::open(*store_, *host_, catalogue_,
                                              {.state_folder = options_.state_folder,
                                               .changed = [this](const operation::Id& id) { changed(id); }}));
        scheduler_.emplace(*loop_, *workers_, *engine_, [this](const operation::Id& id) { changed(id); });
        monitor_.emplace(
            *loop_, *workers_, *store_, *host_, parts_.watched,
            Monitor::Options{.command = options_.alarm_command, .raised = [this] { changed(alarm_topic); }});
        // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
        const bool of_systemd = getenv("INVOCATION_ID") != nullptr;
        services_.emplace(Services{
            .engine = *engine_,
            .host = *host_,
            .parts = parts_,
            .monitor = *monitor_,
            .configuration = *configuration_,
            .state_folder = options_.state_folder,
            .restart = of_systemd ? "sudo systemctl restart belayd"
                                  : fmt::format("sudo kill {}; the next belay starts the new one", getpid()),
            .wake = [this](const operation::Id& id) { loop_->post([this, id] { scheduler_->wake(id); }); },
            .stuck = [this](const operation::Id& id) { return scheduler_->stuck(id); }});
        return {};
    }

    void changed(const operation::Id& id)
    {
        if (server_) server_->changed(id);
        // An operation may have brought what there is to watch: the kernel's md is loaded with the first
        // array.
        if (monitor_) monitor_->try_again();
    }

    /// A timer that never ends, but for the clock being set under it.
    Result<void> watch_wall_clock()
    {
        wall_clock_ = host::Descriptor(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
        if (!wall_clock_) return std::unexpected(system_error("watch the clock", errno));
        TRY(await_clock_set());
        TRY(loop_->watch(wall_clock_.number(), EPOLLIN, [this](uint32_t) {
            // A timer's counter is read as an event's; here it fails with ECANCELED, which is the news.
            eventfd_t count = 0;
            eventfd_read(wall_clock_.number(), &count);
            static_cast<void>(await_clock_set().has_value());
            rebase_timers();
        }));
        return {};
    }

    Result<void> await_clock_set()
    {
        itimerspec far{};
        far.it_value.tv_sec = std::numeric_limits<int32_t>::max();
        if (timerfd_settime(wall_clock_.number(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far,
                            nullptr) != 0 &&
            errno != ECANCELED)
            return std::unexpected(system_error("watch the clock", errno));
        return {};
    }

    void rebase_timers()
    {
        const auto again_later = [this] {
            loop_->at(site::boot_now() + clock_retry, [this] { rebase_timers(); });
        };
        if (stopping_) return;
        const auto begun = workers_->run([this, again_later]() -> site::Loop::Callback {
            const bool done = engine_->clock_was_set().has_value();
            return [again_later, done] {
                if (!done) again_later();
            };
        });
        if (!begun) again_later();
    }

    /// Leases are granted where there are several hosts; here those that the store was opened with run out.
    Result<void> watch_leases()
    {
        const auto expiry = TRY(store_->next_expiry());
        if (!expiry) return {};
        loop_->at(site::boot_now() + *expiry, [this] {
            // A store that fails says so at the next step of an operation.
            if (store_->expire()) static_cast<void>(watch_leases().has_value());
        });
        return {};
    }

    void stop()
    {
        if (stopping_) return;
        stopping_ = true;
        readiness_.stopping();
        scheduler_->stop();
        monitor_->stop();
        server_->stop();
        if (workers_->idle()) return loop_->stop();
        workers_->when_idle([this] { loop_->stop(); });
    }

    const Options& options_;
    Parts parts_;  ///< with what works on the store
    Readiness& readiness_;
    // In the order in which one rests upon the other.
    std::optional<StateLock> lock_;
    std::unique_ptr<host::Host> host_;
    operation::Catalogue catalogue_;
    std::unique_ptr<store::Store> store_;
    std::optional<framework::configuration::Register> configuration_;
    host::Descriptor signals_, wall_clock_;
    std::unique_ptr<site::Loop> loop_;
    std::optional<site::Workers> workers_;
    std::unique_ptr<operation::Engine> engine_;
    std::optional<Scheduler> scheduler_;
    std::optional<Monitor> monitor_;
    std::optional<Services> services_;
    std::unique_ptr<site::Server> server_;
    bool stopping_ = false;
};

}  // namespace

Result<void> serve(const Options& options, const Parts& parts, Readiness& readiness)
{
    umask(022);
    // A face that is gone is an error of one write, not the end of the daemon.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    Daemon daemon(options, parts, readiness);
    if (const Result<void> started = daemon.start(); !started) {
        readiness.failed(started.error());
        return started;
    }
    return daemon.run();
}

}  // namespace belay::daemon
