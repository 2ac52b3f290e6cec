// A stand-in for a server of the contact centre: it needs what it needs, listens, says when it is ready, does
// as it is told, and can fail in the ways in which servers fail. It does nothing else.

#include "belay/lease.h"

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int first_listening = 3;  // sd_listen_fds(3)
constexpr int patience_with_caller = 200;

struct Asked {
    std::string name = "stand-in", trace, fails_as;
    int port = 0;
    std::vector<std::string> needs;  // HOST:PORT[,HOST:PORT...], of each one must answer at its start
    int ready_after = 0, fail_after = -1, end_after = -1, heartbeat = 0, drain_for = 0, act_every = 0;
    long lines = 0, lines_a_second = 0;
    int children = 0;
    bool ignores_term = false, hangs = false, http = false, one_clock = false;
};

std::string variable(const char* name)
{
    const char* const value = getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "" : value;
}

/// Nanoseconds since the boot of this host; or counts of the processor's own clock, which is one for all
/// hosts of a lab: their kernels are processes of one machine, and what runs in them asks the same processor.
int64_t time_now(bool one_clock)
{
#ifdef __x86_64__
    if (one_clock) return static_cast<int64_t>(__builtin_ia32_rdtsc());
#endif
    timespec now{};
    clock_gettime(one_clock ? CLOCK_REALTIME : CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

/// One line of what happens, with the time of all processes of this host.
class Trace {
  public:
    Trace(const std::string& path, std::string name, bool one_clock)
        : name_(std::move(name)), one_clock_(one_clock)
    {
        if (!path.empty()) file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    }
    void say(const std::string& what) const
    {
        if (file_ < 0) return;
        const std::string line = fmt::format("{} {} {} {}\n", time_now(one_clock_), getpid(), name_, what);
        if (write(file_, line.data(), line.size()) < 0) std::perror("trace");
    }

  private:
    std::string name_;
    bool one_clock_;
    int file_ = -1;
};

/// sd_notify(3).
void notify(const std::string& text)
{
    const std::string path = variable("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sendto(socket, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           sizeof address);
    close(socket);
}

bool place_answers(const std::string& place)
{
    const size_t colon = place.rfind(':');
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (colon == std::string::npos ||
        getaddrinfo(place.substr(0, colon).c_str(), place.substr(colon + 1).c_str(), &hints, &found) != 0)
        return false;
    const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool answered = connect(socket, found->ai_addr, found->ai_addrlen) == 0;
    close(socket);
    freeaddrinfo(found);
    return answered;
}

/// Of several one is enough: the two of a pair.
bool answers(std::string_view places)
{
    while (!places.empty()) {
        const std::string_view place = places.substr(0, places.find(','));
        if (place_answers(std::string(place))) return true;
        places.remove_prefix(std::min(place.size() + 1, places.size()));
    }
    return false;
}

int listen_at(int port)
{
    if (variable("LISTEN_PID") == std::to_string(getpid())) return first_listening;
    if (port == 0) return -1;
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        listen(socket, SOMAXCONN) == 0)
        return socket;
    fmt::print(stderr, "cannot listen at port {}: {}\n", port, std::strerror(errno));
    std::exit(1);
}

class StandIn {
  public:
    explicit StandIn(const Asked& asked) : asked_(asked), trace_(asked.trace, asked.name, asked.one_clock) {}

    int run()
    {
        trace_.say("started");
        catch_signals();
        for (const std::string& need : asked_.needs) {
            if (answers(need)) continue;
            fmt::print("{} does not answer\n", need);
            trace_.say("missed " + need);
            return 1;
        }
        for (int child = 0; child < asked_.children; ++child) {
            if (fork() == 0) execlp("sleep", "sleep", "1000", nullptr);
        }
        listening_ = listen_at(asked_.port);
        play(variable("BELAY_ROLE"));
        const std::string orders = variable("BELAY_ORDERS_FD");
        if (!orders.empty()) orders_ = std::atoi(orders.c_str());
        for (long line = 0; line < asked_.lines; ++line) fmt::print("line {}\n", line);
        std::fflush(stdout);
        const Clock::time_point began = Clock::now();
        at_ready_ = began + milliseconds(asked_.ready_after);
        if (asked_.fail_after >= 0) at_failure_ = began + milliseconds(asked_.fail_after);
        if (asked_.end_after >= 0) at_end_ = began + milliseconds(asked_.end_after);
        while (!ended_) turn();
        trace_.say("ended");
        return code_;
    }

  private:
    void catch_signals()
    {
        sigset_t caught;
        sigemptyset(&caught);
        for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGWINCH}) sigaddset(&caught, signal);
        sigprocmask(SIG_BLOCK, &caught, nullptr);
        signals_ = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
    }

    void play(const std::string& role)
    {
        if (role.empty() || role == role_) return;
        role_ = role;
        trace_.say("role " + role);
        if (role == asked_.fails_as) std::_Exit(3);
        notify(fmt::format("STATUS={}\nX_ROLE={}", role, role));
        next_act_.reset();
        if (asked_.act_every > 0 && role == "primary") next_act_ = Clock::now();
    }

    /// Once round: waits for the next thing, and does it.
    void turn()
    {
        std::array<pollfd, 3> waits = {pollfd{signals_, POLLIN, 0}, pollfd{listening_, POLLIN, 0},
                                       pollfd{orders_, POLLIN, 0}};
        poll(waits.data(), waits.size(), patience());
        if (waits[0].revents != 0) take_signal();
        if (waits[1].revents != 0) answer();
        if (waits[2].revents != 0) take_orders();
        be_on_time();
    }

    int patience() const
    {
        auto next = Clock::now() + std::chrono::hours(1);
        for (const auto& time :
             {at_ready_, at_failure_, at_end_, at_drained_, next_beat_, next_line_, next_act_}) {
            if (time && *time < next) next = *time;
        }
        const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
        return static_cast<int>(std::max<long>(0, left.count()));
    }

    static bool is_due(std::optional<Clock::time_point>& time)
    {
        if (!time || *time > Clock::now()) return false;
        time.reset();
        return true;
    }

    void be_on_time()
    {
        if (is_due(at_ready_)) {
            // First: whoever waits for it may begin before we are back.
            trace_.say("ready");
            notify("READY=1");
            if (asked_.heartbeat > 0 && !asked_.hangs) next_beat_ = Clock::now();
            if (asked_.lines_a_second > 0) next_line_ = Clock::now();
        }
        if (is_due(next_beat_)) {
            notify("WATCHDOG=1");
            next_beat_ = Clock::now() + milliseconds(asked_.heartbeat);
        }
        if (is_due(next_line_)) print_some();
        if (is_due(next_act_)) {
            if (lease_ == nullptr)
                trace_.say("acts");
            else if (belay_lease_is_held(lease_) != 0)
                trace_.say(fmt::format("acts {}", belay_lease_token(lease_)));
            next_act_ = Clock::now() + milliseconds(asked_.act_every);
        }
        if (is_due(at_drained_)) {
            notify("X_DRAINED=1");
            trace_.say("drained");
        }
        if (is_due(at_failure_)) end(3);
        if (is_due(at_end_)) end(0);
    }

    /// A hundredth of a second's lines; once a second it says how many that were, and which took longest.
    void print_some()
    {
        constexpr int turns = 100;
        const Clock::time_point before = Clock::now();
        for (long line = 0; line < asked_.lines_a_second / turns; ++line)
            fmt::print("line {} of many that are printed in a second\n", printed_++);
        std::fflush(stdout);
        const Clock::time_point after = Clock::now();
        longest_print_ = std::max(longest_print_, after - before);
        // One that was held up makes up for it.
        next_line_ = before + milliseconds(1000 / turns);
        if (printed_ % asked_.lines_a_second != 0) return;
        trace_.say(
            fmt::format("printed {} longest {}", printed_,
                        std::chrono::duration_cast<std::chrono::microseconds>(longest_print_).count()));
        longest_print_ = {};
    }

    void end(int code)
    {
        ended_ = true;
        code_ = code;
    }

    void take_signal()
    {
        signalfd_siginfo signal{};
        if (read(signals_, &signal, sizeof signal) <= 0) return;
        switch (signal.ssi_signo) {
            case SIGUSR1:
                return play("primary");
            case SIGUSR2:
                return play("backup");
            case SIGWINCH:
                return drain();
            default:
                trace_.say("told to stop");
                if (!asked_.ignores_term) end(0);
        }
    }

    void drain() { at_drained_ = Clock::now() + milliseconds(asked_.drain_for); }

    void take_orders()
    {
        std::array<char, 256> room{};
        const ssize_t count = read(orders_, room.data(), room.size());
        for (ssize_t i = 0; i < count; ++i) {
            if (room.at(i) != '\n') {
                order_ += room.at(i);
                continue;
            }
            if (order_ == "drain") drain();
            if (order_ == "primary" || order_ == "backup") play(order_);
            order_.clear();
        }
    }

    void answer()
    {
        const int caller = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        std::string text = fmt::format("{} {} {}\n", asked_.name, getpid(), role_);
        if (asked_.http)
            text = fmt::format("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}",
                               text.size(), text);
        send(caller, text.data(), text.size(), MSG_NOSIGNAL);
        // What was asked is read first: closed upon it, the answer would be lost.
        shutdown(caller, SHUT_WR);
        pollfd more{caller, POLLIN, 0};
        std::array<char, 1024> room{};
        while (poll(&more, 1, patience_with_caller) == 1 && read(caller, room.data(), room.size()) > 0) {
        }
        close(caller);
    }

    const Asked& asked_;
    Trace trace_;
    const belay_lease* const lease_ = belay_lease_open();
    std::string role_, order_;
    int signals_ = -1, listening_ = -1, orders_ = -1, code_ = 0;
    long printed_ = 0;
    Clock::duration longest_print_{};
    bool ended_ = false;
    std::optional<Clock::time_point> at_ready_, at_failure_, at_end_, at_drained_, next_beat_, next_line_,
        next_act_;
};

}  // namespace

int main(int argc, char** argv)
{
    Asked asked;
    CLI::App app("A stand-in for a server of the contact centre.");
    app.add_option("--name", asked.name, "What it calls itself");
    app.add_option("--port", asked.port, "Where it answers, unless it is handed a socket");
    app.add_option(
        "--needs", asked.needs,
        "HOST:PORT that must answer when it starts, or one of several with commas between; may be repeated");
    app.add_option("--ready-after", asked.ready_after, "Milliseconds from its start until it is ready");
    app.add_option("--fail-after", asked.fail_after, "Milliseconds until it ends with code 3");
    app.add_option("--end-after", asked.end_after, "Milliseconds until it ends with code 0");
    app.add_option("--heartbeat", asked.heartbeat, "Milliseconds between two words that it lives");
    app.add_option("--drain-for", asked.drain_for, "Milliseconds that it takes to drain");
    app.add_option("--act-every", asked.act_every, "Milliseconds between two acts of a primary");
    app.add_option("--lines", asked.lines, "Lines that it prints at its start");
    app.add_option("--lines-a-second", asked.lines_a_second, "Lines that it prints from then on");
    app.add_option("--children", asked.children, "Processes that it starts and leaves behind");
    app.add_option("--fails-as", asked.fails_as, "It ends with code 3 when it is told that word");
    app.add_flag("--ignores-term", asked.ignores_term, "SIGTERM does not end it");
    app.add_flag("--hangs", asked.hangs, "It never says that it lives");
    app.add_flag("--http", asked.http, "It answers as a web server does");
    app.add_flag("--one-clock", asked.one_clock,
                 "Times of the trace can be compared between hosts of one lab");
    app.add_option("--trace", asked.trace, "A file for what happens, a line each");
    CLI11_PARSE(app, argc, argv);
    return StandIn(asked).run();
}
