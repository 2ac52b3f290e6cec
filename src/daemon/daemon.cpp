#include "daemon/daemon.h"

#include "daemon/alarm_watch.h"
#include "daemon/applications.h"
#include "daemon/devices.h"
#include "daemon/driven.h"
#include "daemon/host_events.h"
#include "daemon/host_load.h"
#include "daemon/host_name.h"
#include "daemon/messages.h"
#include "daemon/monitor.h"
#include "daemon/own_host.h"
#include "daemon/scheduler.h"
#include "daemon/services.h"
#include "daemon/state_lock.h"
#include "daemon/two_engines.h"
#include "daemon/upgrades.h"
#include "framework/configuration/copy.h"
#include "framework/configuration/register.h"
#include "framework/configuration/seal.h"
#include "host/application/process_handle.h"
#include "host/program.h"
#include "operation/gates.h"
#include "operation/runbook/make_plan.h"
#include "procedures/config_change.h"
#include "site/server.h"

#include <array>
#include <atomic>
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

using framework::configuration::HostSettings;
using SharedConfiguration = std::shared_ptr<const framework::configuration::Configuration>;

constexpr Milliseconds clock_retry = std::chrono::seconds(60);
/// What nobody tells of by itself, as the load of a host, is looked at so often while somebody follows it.
constexpr Milliseconds between_looks_at_load = std::chrono::seconds(2);

/// Whether a plan that is asked for changes the site, and not this machine.
bool is_of_site(const site::Call& call)
{
    if (call.parameters.contains("hosts")) return true;
    const auto found = call.parameters.find("procedure");
    if (found == call.parameters.end() || !found->is_string()) return false;
    const auto& procedure = found->get_ref<const std::string&>();
    return procedure.starts_with("config.") || procedure == "pair.upgrade";
}

/// What there is while this controller leads a site that has a store of its own.
struct Led {
    std::unique_ptr<operation::Engine> engine = nullptr;
    std::optional<Scheduler> scheduler = {};
    std::optional<Services> services = {};
};

class Daemon {
  public:
    Daemon(const Options& options, const Parts& parts, site::Readiness& readiness, site::Log& log)
        : options_(options), parts_(parts), readiness_(readiness), log_(log)
    {
    }

    Result<void> start()
    {
        log_.standard(fmt::format("belayd {}, process {}, state in {}", BELAY_VERSION, getpid(),
                                  options_.state_folder));
        lock_.emplace(TRY(take_lock()));
        log_.detail("the state folder is its own; opens the store");
        TRY(catch_signals());
        host_ = parts_.open_host(lock_->inherited());
        parts_.fill(catalogue_);
        operation::add_gate_conditions(catalogue_);
        operation::runbook::fill(catalogue_);
        store_ = TRY(parts_.open_store(options_.state_folder + "/belay.db"));
        log_.detail(fmt::format("the store is at revision {}", TRY(store_->revision())));
        open_messages();
        open_applications();
        upgrades_.emplace(*applications_, *driven_, *host_, options_.state_folder, options_.image_keys,
                          [this] { return place_.get(); });
        upgrades_->fill(catalogue_,
                        is_of_systemd() ? upgrade::StartedBy::systemd : upgrade::StartedBy::somebody);
        open_devices();
        TRY(open_place());
        if (place_) place_->fill(catalogue_);
        open_configuration();
        TRY(open_engine());
        open_alarms();
        open_services();
        TRY(watch_wall_clock());
        TRY(watch_leases());
        const std::vector<operation::Id> unfinished = TRY(engine_->unfinished());
        host::Descriptor listener = TRY(site::listen_at(options_.socket, site::socket_group));
        server_ = TRY(site::Server::open(*loop_, *workers_, std::move(listener), all_methods()));
        TRY(start_place());
        for (const operation::Id& id : unfinished) scheduler_->wake(id);
        monitor_->start();
        // Where there are several controllers, the one that leads does.
        if (options_.raises_alarms && is_of_this_machine_alone()) alarms_->lead();
        log_.standard(
            fmt::format("serves {}; operations that go on: {}", options_.socket, unfinished.size()));
        readiness_.ready();
        return {};
    }

    /// Until it is told to end, or to begin anew.
    Result<Ending> run()
    {
        const Result<void> ran = loop_->run();
        if (place_) place_->end();
        unlink(options_.socket.c_str());
        if (!ran) return std::unexpected(ran.error());
        return restarts_ ? Ending::to_begin_anew : Ending::for_good;
    }

  private:
    Result<StateLock> take_lock()
    {
        return StateLock::take(options_.state_folder, options_.gives_way, [&] {
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
        configuration_.emplace(site_store());
        const framework::configuration::Site site{.store = site_store(),
                                                  .configuration = *configuration_,
                                                  .key_file = key_file_in(options_.state_folder),
                                                  .share_keys = place_ ? place_->share_keys() : nullptr};
        procedures::fill_configuration(catalogue_, site);
        std::ranges::move(procedures::configuration_procedures(site), std::back_inserter(parts_.procedures));
        const bool is_controller = place_ && place_->is_controller();
        std::ranges::move(upgrades_->procedures(is_controller), std::back_inserter(parts_.procedures));
        if (place_) std::ranges::move(place_->procedures(), std::back_inserter(parts_.procedures));
        devices_->join(*std::ranges::find(parts_.procedures, "pair.upgrade", &procedures::Procedure::name));
        std::ranges::sort(parts_.procedures, {}, &procedures::Procedure::name);
        take_settings();
    }

    void open_devices()
    {
        const std::string program = host::own_program();
        devices_.emplace(
            Devices::Options{.host = *host_,
                             .workers = *workers_,
                             .program = program.substr(0, program.rfind('/')) + "/belay-vty",
                             .unseal = [this](std::string_view sealed) { return unsealed(sealed); },
                             .said = [this](const std::string& line) { log_.standard(line); }});
        devices_->fill(catalogue_);
    }

    void open_messages()
    {
        events_.emplace([this](const Json& query) { return messages_->search_heard(query); },
                        fmt::format("{}.{}", getpid(), host::start_of(getpid()).value_or(0)));
        const std::string run_folder = options_.socket.substr(0, options_.socket.rfind('/'));
        const std::string program = host::own_program();
        std::string beside = program.substr(0, program.rfind('/')) + "/belay-messages";
        messages_.emplace(
            *loop_, *workers_,
            Messages::Options{.is_there = options_.says_messages,
                              .server = {.socket = run_folder + "/messages.sock",
                                         .state_folder = options_.state_folder,
                                         .daemon = is_of_systemd() ? "" : std::move(beside)},
                              .start = is_of_systemd() ? [this] { return start_unit("belay-messages"); }
                                                       : std::function<Result<void>()>(),
                              .said = [this](const std::string& line) { log_.standard(line); },
                              .wall = [this] { return wall_now(); },
                              .show = [this](const operation::Id& id) -> Result<operation::View> {
                                  operation::Engine* const site =
                                      id.starts_with(site_prefix) ? site_engine_.load() : nullptr;
                                  return (site != nullptr ? site : engine_.get())->show(id);
                              },
                              .output_folder = options_.state_folder + "/output",
                              .heard =
                                  [this](const std::optional<std::string>& problem) {
                                      if (events_->messages_moved(problem)) topic_changed(site_topic);
                                      if (alarms_) alarms_->moved();
                                  }});
    }

    void open_applications()
    {
        const std::string run_folder = options_.socket.substr(0, options_.socket.rfind('/'));
        const std::string program = host::own_program();
        std::string beside = program.substr(0, program.rfind('/')) + "/belay-supervisor";
        driven_.emplace(*host_, images_folder(options_.state_folder),
                        [this] { applications_->driven_moved(); });
        applications_.emplace(
            *store_,
            Applications::Options{
                .supervisor = {.socket = run_folder + "/supervisor.sock",
                               .state_folder = options_.state_folder,
                               .daemon = is_of_systemd() ? "" : std::move(beside)},
                .start = is_of_systemd() ? [this] { return start_unit("belay-supervisor"); }
                                         : std::function<Result<void>()>(),
                .said = [this](const std::string& line) { log_.standard(line); },
                .changed = [this] { loop_->post([this] { topic_changed(applications_topic); }); },
                .wall = [this] { return wall_now(); },
                .stands = [this](const std::string& name,
                                 const Json& standing) { messages_->application_stands(name, standing); },
                .lost = [this](const Error& error) { messages_->supervisor_lost(error); },
                .driven = &*driven_,
                .images = [this] { return running_images(*host_, images_folder(options_.state_folder)); }});
    }

    /// Whatever is started by a process of a unit has that in its environment too: systemd since 248 says
    /// which process is the unit's own.
    static bool is_of_systemd()
    {
        // NOLINTBEGIN(concurrency-mt-unsafe): nobody changes the environment
        if (const char* const own = getenv("SYSTEMD_EXEC_PID")) return own == std::to_string(getpid());
        return getenv("INVOCATION_ID") != nullptr;
        // NOLINTEND(concurrency-mt-unsafe)
    }

    /// In a unit of its own: what systemd takes away from this one it would take away from the applications.
    Result<void> start_unit(const std::string& unit)
    {
        const host::Outcome outcome = TRY(
            host_->run({.argv = {"systemctl", "start", unit + ".service"}, .effect = host::Effect::changes}));
        if (outcome.exit_code == 0) return {};
        return fail(ErrorKind::unavailable, fmt::format("{} cannot be started: {}", unit, outcome.err),
                    "systemctl status " + unit);
    }

    /// A secret of the configuration, where this machine has the key.
    Result<std::string> unsealed(std::string_view sealed) const
    {
        const auto keys = TRY(framework::configuration::KeyRing::read(key_file_in(options_.state_folder)));
        const framework::configuration::Secret secret = TRY(keys.unseal(sealed));
        return std::string(secret.view());
    }

    Result<void> open_engine()
    {
        engine_ = TRY(operation::Engine::open(*store_, *host_, catalogue_,
                                              {.state_folder = options_.state_folder,
                                               .changed = [this](const operation::Id& id) { changed(id); }}));
        scheduler_.emplace(*loop_, *workers_, *engine_, [this](const operation::Id& id) { changed(id); });
        monitor_.emplace(
            *loop_, *workers_, *store_, *host_, parts_.watched,
            Monitor::Options{
                .command = options_.alarm_command,
                .told = [this](const RaisedAlarm& raised) { messages_->storage_alarm(raised.alarm); },
                .raised =
                    [this] {
                        changed(alarm_topic);
                        events_->storage_moved();
                        if (alarms_) alarms_->moved();
                    }});
        return {};
    }

    /// Whether the site is this machine, or has its state in this machine's database.
    bool is_of_this_machine_alone() const { return !place_ || (place_->is_controller() && !has_own_store()); }

    void open_alarms()
    {
        const std::string program = host::own_program();
        const std::string react = program.substr(0, program.rfind('/')) + "/belayd-react";
        const auto unseal = [this](std::string_view sealed) { return unsealed(sealed); };
        variables_.emplace(VariableErrands::Options{.host = *host_, .program = react, .unseal = unseal});
        alarms_.emplace(AlarmWatch::Options{
            .loop = *loop_,
            .workers = *workers_,
            .host = *host_,
            .configuration = *configuration_,
            .log = log_,
            .store = [this]() -> store::Store& { return site_store(); },
            .methods = [this]() -> const site::Methods& { return server_->methods(); },
            .own_host = [this] { return own_name(*applications_); },
            .place = [this] { return place_.get(); },
            .events = *events_,
            .unseal = unseal,
            .wall = [this] { return wall_now(); },
            .changed = [this] { loop_->post([this] { topic_changed(alarm_book_topic); }); },
            .program = react,
            .holder = host_name(),
            .is_on = options_.raises_alarms,
            .variables = &*variables_});
    }

    Result<void> open_place()
    {
        if (!parts_.site.open) return framework::configuration::Copy::forget(*store_);
        const host::Moment now = TRY(host_->now());
        place_ = TRY(parts_.site.open(
            PlaceGround{
                .loop = *loop_,
                .workers = *workers_,
                .host = *host_,
                .store = *store_,
                .log = log_,
                .applications = *applications_,
                .messages = *messages_,
                .load = host_load_,
                .look_again = [this] { look_again(); },
                .engine = [this] { return has_own_store() ? site_engine_.load() : engine_.get(); },
                .lead = [this] { return open_site_engine(); },
                .restart =
                    [this] {
                        restarts_ = true;
                        stop();
                    },
                .image_arguments =
                    [this](const std::string& image, const std::string& version) {
                        return upgrades_->image_arguments(image, version);
                    },
                .file = [this](const std::string& sha256) { return upgrades_->file(sha256); },
                .state_folder = options_.state_folder,
                .boot_id = now.boot_id,
                .connect_timeout = options_.connect_timeout,
                .wall = [this] { return wall_now(); },
                .leased = [this] { loop_->post([this] { watch_leases_anew(); }); },
                .changed = [this](const std::string& topic) { topic_changed(topic); },
                .configured = [this](SharedConfiguration configuration,
                                     const std::string& host) { take(std::move(configuration), host); }},
            options_.controller));
        return place_ ? Result<void>() : framework::configuration::Copy::forget(*store_);
    }

    /// One that has begun in part has threads, which end as they do after a run.
    Result<void> start_place()
    {
        if (!place_) return {};
        Result<void> started = place_->start(server_->methods());
        if (started) return started;
        loop_->post([this] { stop(); });
        static_cast<void>(run().has_value());
        return started;
    }

    bool has_own_store() const { return place_ && place_->site_store() != nullptr; }
    store::Store& site_store() { return has_own_store() ? *place_->site_store() : *store_; }

    void open_services() { services_.emplace(services_with(*engine_, *scheduler_)); }

    Services services_with(operation::Engine& engine, Scheduler& scheduler)
    {
        return {
            .engine = engine,
            .host = *host_,
            .parts = parts_,
            .monitor = *monitor_,
            .configuration = *configuration_,
            .state_folder = options_.state_folder,
            .restart = is_of_systemd()
                           ? "sudo systemctl restart belayd"
                           : fmt::format("sudo kill {}; the next belay starts the new one", getpid()),
            .wake = [this, &scheduler](
                        const operation::Id& id) { loop_->post([&scheduler, id] { scheduler.wake(id); }); },
            .site_engine = [this] { return site_engine_.load(); },
            .stuck = [&scheduler](const operation::Id& id) { return scheduler.stuck(id); },
            .applications = &*applications_,
            .upgrades = &*upgrades_,
            .devices = &*devices_,
            .messages = &*messages_,
            .alarms = &*alarms_,
            .events = &*events_,
            .load = &host_load_,
            .look_again = [this] { look_again(); },
            .methods = [this]() -> const site::Methods& { return server_->methods(); },
            .place = place_.get(),
            .started = wall_now()};
    }

    std::vector<site::Method> all_methods()
    {
        std::vector<site::Method> all = methods_of(*services_);
        return has_own_store() ? two_engines_.route(std::move(all)) : all;
    }

    /// This controller leads: the operations of the site go on here, from their journal.
    Result<void> open_site_engine()
    {
        if (!has_own_store()) return {};
        led_.emplace();
        led_->engine =
            TRY(operation::Engine::open(site_store(), *host_, catalogue_,
                                        {.state_folder = options_.state_folder,
                                         .prefix = site_prefix,
                                         .changed = [this](const operation::Id& id) { changed(id); }}));
        led_->scheduler.emplace(*loop_, *workers_, *led_->engine,
                                [this](const operation::Id& id) { changed(id); });
        led_->services.emplace(services_with(*led_->engine, *led_->scheduler));
        site_engine_ = led_->engine.get();
        two_engines_.lead(methods_of(*led_->services));
        const std::vector<operation::Id> unfinished = TRY(led_->engine->unfinished());
        for (const operation::Id& id : unfinished) led_->scheduler->wake(id);
        log_.standard(fmt::format("leads the site; its operations that go on: {}", unfinished.size()));
        topic_changed(site_topic);
        if (options_.raises_alarms) alarms_->lead();
        return {};
    }

    /// The clock of a real machine always answers.
    Milliseconds wall_now()
    {
        const Result<host::Moment> now = host_->now();
        return now ? now->wall : Milliseconds{0};
    }

    void topic_changed(const std::string& topic)
    {
        tell_streams_of(topic);
        if (topic != overview_topic) tell_streams_of(overview_topic);
        const bool says_how_things_stand = topic == applications_topic || topic == site_topic;
        if (alarms_ && says_how_things_stand) alarms_->moved();
    }

    void tell_streams_of(const std::string& topic)
    {
        if (server_) server_->changed(topic);
        if (place_) loop_->post([this, topic] { place_->topic_changed(topic); });
    }

    /// Once for all who ask meanwhile. Whoever still follows asks anew when it is told; where nobody does any
    /// more this was the last time. Threads: any.
    void look_again()
    {
        if (looks_again_.exchange(true)) return;
        loop_->post([this] {
            loop_->at(site::boot_now() + between_looks_at_load, [this] {
                looks_again_ = false;
                topic_changed(overview_topic);
            });
        });
    }

    void take(SharedConfiguration configuration, const std::string& host)
    {
        const HostSettings settings = framework::configuration::settings_of_host(*configuration, host);
        const Result<site::LogLevel> level = site::log_level_named(settings.log);
        log_.set_level(level ? std::optional(*level) : std::nullopt);
        messages_->configured(*configuration, host);
        devices_->configured(configuration);
        applications_->configured(std::move(configuration), host,
                                  [this](std::string_view sealed) { return unsealed(sealed); });
        if (alarms_) alarms_->moved();
    }

    /// What has a copy of the configuration hears of its changes; else an operation of this daemon's makes
    /// them.
    void take_settings()
    {
        if (place_ && place_->has_copy()) return;
        // One that cannot be read now leaves things as they are.
        const auto snapshot = configuration_->snapshot();
        if (!snapshot) return;
        const auto before = configured_.exchange(snapshot->version);
        if (before == snapshot->version) return;
        if (before >= 0) messages_->configuration_is(snapshot->version);
        take(snapshot->configuration, host_name());
    }

    void changed(const operation::Id& id)
    {
        topic_changed(id);
        if (id != alarm_topic) messages_->operation_changed(id);
        if (id != alarm_topic && devices_->any()) loop_->post([this, id] { tell_devices(id); });
        // No operation of this machine waits for the store of the site.
        if (!has_own_store() || id.starts_with(site_prefix)) take_settings();
        // Nor does any but one of this machine's change which version of an image it runs.
        if (!id.starts_with(site_prefix)) applications_->images_changed();
        // An operation may have brought what there is to watch: the kernel's md is loaded with the first
        // array.
        if (monitor_) monitor_->try_again();
    }

    void tell_devices(const operation::Id& id)
    {
        operation::Engine* const site = id.starts_with(site_prefix) ? site_engine_.load() : nullptr;
        const auto view = (site != nullptr ? site : engine_.get())->show(id);
        if (view) devices_->stands(view->operation);
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
            operation::Engine* const site = site_engine_;
            const bool done = engine_->clock_was_set().has_value() &&
                              (site == nullptr || site->clock_was_set().has_value());
            return [again_later, done] {
                if (!done) again_later();
            };
        });
        if (!begun) again_later();
    }

    /// Sessions of people are under leases; those that the store was opened with run out as well.
    Result<void> watch_leases()
    {
        const auto expiry = TRY(store_->next_expiry());
        if (!expiry) return {};
        expiry_ = loop_->at(site::boot_now() + *expiry, [this] {
            expiry_.reset();
            // A store that fails says so at the next step of an operation.
            if (store_->expire()) static_cast<void>(watch_leases().has_value());
        });
        return {};
    }

    void watch_leases_anew()
    {
        if (expiry_) loop_->cancel(*std::exchange(expiry_, std::nullopt));
        static_cast<void>(watch_leases().has_value());
    }

    void stop()
    {
        if (stopping_) return;
        stopping_ = true;
        log_.standard("was told to end; finishes the steps that are under way");
        readiness_.stopping();
        scheduler_->stop();
        if (led_) led_->scheduler->stop();
        monitor_->stop();
        alarms_->stop();
        events_->stop();
        applications_->stop();
        messages_->stop();
        if (place_) place_->stop();
        server_->stop();
        if (workers_->idle()) return loop_->stop();
        workers_->when_idle([this] { loop_->stop(); });
    }

    const Options& options_;
    Parts parts_;  ///< with what works on the store
    site::Readiness& readiness_;
    site::Log& log_;
    // In the order in which one rests upon the other.
    std::optional<StateLock> lock_;
    std::unique_ptr<host::Host> host_;
    operation::Catalogue catalogue_;
    std::unique_ptr<store::Store> store_;
    host::Descriptor signals_, wall_clock_;
    std::unique_ptr<site::Loop> loop_;
    std::optional<site::Workers> workers_;
    std::optional<HostEvents> events_;
    std::optional<Messages> messages_;
    std::optional<Applications> applications_;
    std::optional<Driven> driven_;  ///< goes before: it tells them
    std::optional<Upgrades> upgrades_;
    std::optional<Devices> devices_;
    HostLoad host_load_;
    std::atomic<bool> looks_again_ = false;  ///< it is to be looked again already
    std::unique_ptr<Place> place_;
    std::optional<framework::configuration::Register> configuration_;
    std::atomic<framework::configuration::Version> configured_ = -1;  ///< whose settings hold
    std::unique_ptr<operation::Engine> engine_;
    std::optional<Scheduler> scheduler_;
    std::optional<Monitor> monitor_;
    std::optional<VariableErrands> variables_;
    std::optional<AlarmWatch> alarms_;
    std::optional<Services> services_;
    std::optional<Led> led_;
    std::atomic<operation::Engine*> site_engine_ = nullptr;
    TwoEngines two_engines_{is_of_site, [this] { return place_->leader(); }};
    std::unique_ptr<site::Server> server_;
    std::optional<site::Loop::TimerId> expiry_;
    bool stopping_ = false;
    bool restarts_ = false;
};

}  // namespace

Result<Ending> serve(const Options& options, const Parts& parts, site::Readiness& readiness, site::Log& log)
{
    umask(022);
    // A face that is gone is an error of one write, not the end of the daemon.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    Daemon daemon(options, parts, readiness, log);
    if (const Result<void> started = daemon.start(); !started) {
        log.standard("cannot serve: " + started.error().what);
        readiness.failed(started.error());
        return std::unexpected(started.error());
    }
    return daemon.run();
}

}  // namespace belay::daemon
