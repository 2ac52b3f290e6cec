#include "message_server/command_line.h"

#include "framework/messages/own_events.h"
#include "host/files.h"
#include "message_server/feeds.h"
#include "message_server/journal_follower.h"
#include "message_server/methods.h"
#include "message_server/spoken.h"
#include "site/log.h"
#include "site/readiness.h"
#include "site/server.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace belay::message_server {
namespace {

constexpr int exit_cannot_serve = 1;
constexpr int exit_usage = 2;
constexpr Bytes most_described_bytes{16 << 20};
/// While messages come, what is too old is let go of so often.
constexpr Milliseconds before_next_wish = std::chrono::seconds(1);
constexpr Milliseconds between_looks = std::chrono::minutes(1);
/// One that was started by belayd ends when nobody is left to speak: looked at when that has ended, then so
/// often.
constexpr Milliseconds after_belayd = std::chrono::seconds(1);
constexpr Milliseconds between_looks_for_others = std::chrono::seconds(10);
/// Descriptors: each connection is one.
constexpr rlim_t wanted_files = 4096;

struct Asked {
    std::string socket = "/run/belay/messages.sock";
    std::string state_folder = "/var/lib/belay";
    std::optional<int> ready_fd;
    std::string log_level, most;
    std::string texts = fmt::format("{}", fmt::join(framework::messages::catalogue_folders(), ":"));
};

std::string is_absolute(const std::string& path)
{
    return path.starts_with('/') ? "" : "must be absolute";
}

std::string run_folder_of(const Asked& asked)
{
    return asked.socket.substr(0, asked.socket.rfind('/'));
}

class Program {
  public:
    Program(const Asked& asked, uint64_t most)
        : asked_(asked), most_(most), log_(log_level()), speakers_(run_folder_of(asked) + "/supervisor.sock")
    {
    }

    Result<void> serve(site::Readiness& readiness)
    {
        raise_limits();
        loop_ = TRY(site::Loop::open());
        workers_.emplace(*loop_);
        TRY(catch_signals());
        TRY(make_folder());
        store_ = TRY(OpenStore::open(folder() + "/store", limits_by({})));
        keeper_ = std::make_unique<Keeper>(
            *store_, Keeper::Options{.said = [this](const std::string& line) { log_.standard(line); },
                                     .heard = [this] { tell_who_listens(); }});
        follower_ = TRY(Follower::open(*store_, *keeper_));
        journal_ = TRY(JournalFollower::open(*store_, *keeper_, speakers_));
        feeds_.emplace(*store_, *keeper_);
        read_described();
        host::Descriptor speaking = TRY(listen_for_speakers(run_folder_of(asked_) + "/say.sock"));
        spoken_ = std::make_unique<Spoken>(*loop_, *keeper_, speakers_, std::move(speaking));
        take_texts(read_texts(framework::messages::folders_in(asked_.texts)));
        TRY(spoken_->open());
        host::Descriptor listener = TRY(site::listen_at(asked_.socket, site::socket_group));
        services_.emplace(
            Services{.store = *store_,
                     .keeper = *keeper_,
                     .speakers = speakers_,
                     .described = [this](const Described& described) { return describe(described); },
                     .spoken = [this] { return spoken(); },
                     .outputs = [this] { return feeds_->status(); },
                     .journal = [this] { return journal_->status(); },
                     .end = [this] { loop_->post([this] { end(); }); }});
        server_ = TRY(site::Server::open(*loop_, *workers_, std::move(listener), methods_of(*services_)));
        look_after_store();
        stay_with(getppid());
        log_.standard(
            fmt::format("belay-messages {}, process {}, serves {}", BELAY_VERSION, getpid(), asked_.socket));
        readiness.ready();
        TRY(loop_->run());
        // Whoever connects from now on is not one of ours.
        unlink(asked_.socket.c_str());
        unlink((run_folder_of(asked_) + "/say.sock").c_str());
        spoken_.reset();
        follower_.reset();
        journal_.reset();
        feeds_.reset();
        keeper_->stop();
        return {};
    }

  private:
    site::LogLevel log_level() const
    {
        if (const auto level = site::log_level_named(asked_.log_level)) return *level;
        return asked_.ready_fd ? site::LogLevel::none : site::LogLevel::standard;
    }

    framework::messages::StoreLimits limits_by(const Keeping& keeping) const
    {
        framework::messages::StoreLimits limits;
        limits.bytes = keeping.bytes.value_or(most_);
        limits.segment_bytes = std::min<uint64_t>(limits.segment_bytes, limits.bytes / 8);
        for (size_t level = 0; level < limits.keep.size(); ++level)
            limits.keep.at(level) = keeping.by_level.at(level).value_or(limits.keep.at(level));
        return limits;
    }

    std::string folder() const { return asked_.state_folder + "/messages"; }
    std::string described_file() const { return folder() + "/described.json"; }

    static void raise_limits()
    {
        rlimit files{};
        if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
        files.rlim_cur = std::min<rlim_t>(std::max(files.rlim_cur, wanted_files), files.rlim_max);
        setrlimit(RLIMIT_NOFILE, &files);
    }

    /// The socket's folder may be another than that of the state, so both may be locked by others.
    Result<void> make_folder()
    {
        for (const std::string& path : {asked_.state_folder, folder()}) {
            if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
                return std::unexpected(system_error("make the folder " + path, errno));
        }
        lock_ = host::Descriptor(open((folder() + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!lock_) return std::unexpected(system_error(fmt::format("open {}/lock", folder()), errno));
        if (flock(lock_.number(), LOCK_EX | LOCK_NB) != 0)
            return fail(ErrorKind::busy, fmt::format("another belay-messages serves {}", folder()),
                        "fuser -v " + folder() + "/lock");
        return {};
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
            if (signal.ssi_signo == SIGHUP) return read_texts_anew();
            end();
        }));
        return {};
    }

    void read_texts_anew()
    {
        if (ending_) return;
        const auto begun = workers_->run([this]() -> site::Loop::Callback {
            return [this, read = read_texts(framework::messages::folders_in(asked_.texts))] {
                take_texts(read);
            };
        });
        if (!begun) log_.standard("the catalogue of messages is not read anew: too much is done at once");
    }

    /// What is wrong in the catalogue is said, and is no reason not to serve.
    void take_texts(const ReadTexts& read)
    {
        follower_->know(read.texts);
        journal_->know(read.texts);
        spoken_->know(read.texts);
        for (const framework::messages::CatalogueFault& fault : read.faults) {
            log_.standard(fault.what);
            keeper_->say(own_message(framework::messages::own::catalogue_wrong,
                                     {{"file", fault.file}, {"reason", fault.what}}, wall_now()));
        }
    }

    /// What belayd has told last, so that who speaks is known before it tells that again.
    void read_described()
    {
        const Result<std::string> text = host::files::read(described_file(), most_described_bytes);
        if (!text) return;
        const Result<Json> json = parse_json(*text);
        Result<Described> described =
            json ? message_server::read_described(*json) : std::unexpected(json.error());
        if (!described) return;
        described_text_ = *text;
        take(*described);
    }

    Result<void> describe(const Described& described)
    {
        const Json json = described;
        const std::lock_guard lock(describing_);
        const std::string text = json_text(json);
        const bool is_news = described.is_whole && text != described_text_;
        if (is_news) {
            TRY(host::files::replace(described_file(), text, 0600));
            described_text_ = text;
        }
        loop_->post([this, described, is_news] {
            stay_with(described.by);
            if (is_news) take(described);
        });
        return {};
    }

    void tell_who_listens()
    {
        loop_->post([this] {
            if (server_) server_->changed(heard_topic);
        });
    }

    Json spoken() const
    {
        return {{"connections", spoken_->connections()}, {"not_wanted", spoken_->not_wanted()}};
    }

    void take(const Described& described)
    {
        keeper_->host_is(described.host);
        keeper_->listen_for(described.heard);
        follower_->follow(described.applications);
        {
            const std::lock_guard lock(describing_);
            wished_ = Wished{.outputs = described.outputs, .keeping = described.keeping};
        }
        fulfil_wishes();
        speakers_.describe(described);
        journal_->follow(described);
        if (spoken_) spoken_->described_anew();
    }

    /// In a thread that may wait for a receiver; what is wished for last counts.
    void fulfil_wishes()
    {
        if (ending_) return;
        const auto begun = workers_->run([this]() -> site::Loop::Callback {
            const std::lock_guard alone(fulfilling_);
            std::optional<Wished> wished;
            {
                const std::lock_guard lock(describing_);
                wished.swap(wished_);
            }
            if (wished) {
                store_->set_limits(limits_by(wished->keeping));
                keeper_->look_after_store();
                feeds_->are(wished->outputs);
            }
            return [] {};
        });
        if (!begun) loop_->at(site::boot_now() + before_next_wish, [this] { fulfil_wishes(); });
    }

    /// The process that has described the applications: when it has ended, and nobody else is there who
    /// might speak, this one ends too.
    void stay_with(pid_t belayd)
    {
        // Process 1 takes the place of a parent that is gone.
        if (!asked_.ready_fd || belayd == belayd_ || belayd <= 1) return;
        host::Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, belayd, 0)));
        if (!process) return await_others();
        loop_->forget(belayd_watch_);
        belayd_process_ = std::move(process);
        const auto watch = loop_->watch(belayd_process_.number(), EPOLLIN, [this](uint32_t) {
            loop_->forget(std::exchange(belayd_watch_, 0));
            belayd_ = 0;
            await_others();
        });
        belayd_ = watch ? belayd : 0;
        belayd_watch_ = watch.value_or(0);
    }

    void await_others()
    {
        loop_->at(site::boot_now() + after_belayd, [this] { look_for_others(); });
    }

    void look_for_others()
    {
        if (belayd_ != 0 || ending_) return;
        const bool has_speakers = site::connect_to(run_folder_of(asked_) + "/supervisor.sock").has_value();
        // What a reboot empties may have been emptied under us.
        if (!has_speakers || access(asked_.socket.c_str(), F_OK) != 0) return end();
        loop_->at(site::boot_now() + between_looks_for_others, [this] { look_for_others(); });
    }

    /// Where nothing comes there is nothing new to let go of, until something comes.
    void look_after_store()
    {
        if (ending_) return;
        const bool is_news = std::exchange(looked_at_, store_->newest()) != store_->newest() || !has_looked_;
        has_looked_ = true;
        const auto again = [this] {
            loop_->at(site::boot_now() + between_looks, [this] { look_after_store(); });
        };
        if (!is_news) return again();
        const auto begun = workers_->run([this, again]() -> site::Loop::Callback {
            keeper_->look_after_store();
            return again;
        });
        if (!begun) again();
    }

    void end()
    {
        if (ending_) return;
        ending_ = true;
        log_.standard("was told to end; keeps what was said");
        server_->stop();
        feeds_->stop_soon();
        keeper_->let_go_of_waiters();
        if (workers_->idle()) return loop_->stop();
        workers_->when_idle([this] { loop_->stop(); });
    }

    const Asked& asked_;
    const uint64_t most_;
    site::Log log_;
    Speakers speakers_;
    host::Descriptor lock_, signals_, belayd_process_;
    std::unique_ptr<site::Loop> loop_;
    std::optional<site::Workers> workers_;
    std::unique_ptr<OpenStore> store_;
    std::unique_ptr<Keeper> keeper_;
    std::unique_ptr<Follower> follower_;
    std::unique_ptr<JournalFollower> journal_;
    std::optional<Feeds> feeds_;
    std::unique_ptr<Spoken> spoken_;
    std::optional<Services> services_;
    std::unique_ptr<site::Server> server_;
    struct Wished {
        std::vector<framework::messages::Output> outputs;
        Keeping keeping;
    };
    std::mutex describing_, fulfilling_;
    std::string described_text_;
    std::optional<Wished> wished_;
    pid_t belayd_ = 0;
    site::Loop::WatchId belayd_watch_ = 0;
    uint64_t looked_at_ = 0;
    bool has_looked_ = false;
    bool ending_ = false;
};

int serve(const Asked& asked, uint64_t most)
{
    site::Readiness readiness(asked.ready_fd);
    // Somebody who has hung up is an error of one write, not the end of the server.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    Program program(asked, most);
    if (const Result<void> served = program.serve(readiness); !served) {
        readiness.failed(served.error());
        return exit_cannot_serve;
    }
    return 0;
}

}  // namespace

int run(int argc, char** argv)
{
    Asked asked;
    CLI::App app(
        "Takes in what the applications of this host say and print, keeps it, and answers belayd.\n"
        "It stays in the foreground; belayd starts it when there is something to keep.");
    app.footer(
        "Example: belay-messages --socket /tmp/try/messages.sock --state-dir /tmp/try/state\n"
        "Exit codes: 0 after SIGTERM or SIGINT, 1 it could not serve, 2 wrong arguments.");
    app.add_option("--socket", asked.socket,
                   "Where it listens for belayd; applications speak at say.sock beside it")
        ->envname("BELAY_MESSAGES_SOCKET")
        ->capture_default_str()
        ->check(is_absolute);
    app.add_option("--state-dir", asked.state_folder, "What is kept goes to messages/ in it")
        ->envname("BELAY_STATE_DIR")
        ->capture_default_str()
        ->check(is_absolute);
    app.add_option("--most", asked.most,
                   "How much room messages take, as 4GiB; the oldest go when it is more")
        ->envname("BELAY_MESSAGES_MOST")
        ->type_name("SIZE");
    app.add_option("--texts", asked.texts,
                   "The folders with the catalogue of messages, with colons between them; SIGHUP has them "
                   "read anew")
        ->envname("BELAY_MESSAGES_TEXTS")
        ->type_name("FOLDERS")
        ->capture_default_str();
    app.add_option("--log-verbose", asked.log_level, "How much it says of itself: none, standard, trace, all")
        ->type_name("LEVEL");
    app.add_option(
           "--ready-fd", asked.ready_fd,
           "For belayd: a descriptor to which it writes \"ready\", or an error as JSON, and a newline")
        ->check(CLI::Range(3, 1 << 20));
    app.set_version_flag("-v,-V,--version", "belay-messages " BELAY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    constexpr Bytes least{64 << 20};
    Bytes most{framework::messages::StoreLimits().bytes};
    if (!asked.most.empty()) {
        const Result<Bytes> given = parse_bytes(asked.most);
        const bool is_enough = given && *given >= least;
        if (!is_enough) {
            site::print_error(given ? Error{.kind = ErrorKind::usage,
                                            .what = fmt::format("--most is less than {}", to_text(least))}
                                    : given.error());
            return exit_usage;
        }
        most = *given;
    }
    return serve(asked, most.count);
}

}  // namespace belay::message_server
