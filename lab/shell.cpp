#include "shell.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <thread>
#include <unistd.h>

namespace belay::lab {

namespace {

constexpr char escape = 0x1d;  // Ctrl-], as telnet has it: no program in a shell wants it
constexpr Bytes plugged_size = {256 << 20};

/// The terminal in raw mode, and back when this object goes.
class RawTerminal {
  public:
    RawTerminal()
    {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios raw = before_;
        ::cfmakeraw(&raw);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    ~RawTerminal() { ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_); }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

  private:
    termios before_{};
};

TerminalSize terminal_size()
{
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return {};
    return {size.ws_row, size.ws_col};
}

void show(std::string_view text)
{
    while (!text.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
        if (count < 0 && errno != EINTR) return;
        if (count > 0) text.remove_prefix(static_cast<size_t>(count));
    }
}

void tell(std::string_view sentence)
{
    show(fmt::format("\r\n[lab] {}\r\n", sentence));
}

/// The state of one sitting: which shell is in sight, and what came of it.
class Sitting {
  public:
    explicit Sitting(std::vector<Seat>& seats) : seats_(seats), shells_(seats.size()) {}
    ~Sitting();
    Sitting(const Sitting&) = delete;
    Sitting& operator=(const Sitting&) = delete;

    /// `resized`: a signalfd for WINCH.
    Result<int> work(int resized);

  private:
    struct Shell {
        std::optional<Process> process;
        std::thread reader;  ///< shows what the shell says while it is in sight
    };

    Result<void> look_at(size_t seat);
    void watch(size_t seat);
    /// What the person has typed: to the shell in sight, but for Ctrl-] and the key after it.
    Result<void> type(std::string_view bytes);
    Result<void> obey(char key);
    Result<void> cut_power();
    void report(const Result<void>& done, std::string_view success) const;

    std::vector<Seat>& seats_;
    std::vector<Shell> shells_;
    std::atomic<size_t> sight_ = 0;
    std::array<int, 2> ended_ = {-1, -1};  ///< a pipe: a reader writes the number of the shell that ended
    bool escaped_ = false;
    bool leaving_ = false;
};

Sitting::~Sitting()
{
    for (Shell& shell : shells_) {
        if (!shell.process) continue;
        (void)shell.process->signal(SIGKILL);  // where it has gone already, its reader has ended as well
        shell.reader.join();
    }
    for (const int fd : ended_)
        if (fd >= 0) ::close(fd);
}

void Sitting::watch(size_t seat)
{
    Process& process = *shells_[seat].process;
    shells_[seat].reader = std::thread([this, seat, &process] {
        for (;;) {
            const Result<std::string> said = process.read(std::chrono::hours(24));
            if (!said && said.error().kind == ErrorKind::timeout) continue;
            if (!said || said->empty()) break;
            if (sight_ == seat) show(*said);
        }
        const char number = static_cast<char>(seat);
        (void)!::write(ended_[1], &number, 1);
    });
}

Result<void> Sitting::look_at(size_t seat)
{
    sight_ = seat;
    Shell& shell = shells_[seat];
    if (!shell.process) {
        // bash reads no file of the one who works on the real machine: their prompt would lie about the host.
        shell.process.emplace(TRY(seats_[seat].host->start_on_terminal(
            {"env", "PS1=\\h:\\w\\$ ", "bash", "--norc", "-i"}, terminal_size())));
        watch(seat);
    } else {
        TRY(shell.process->resize(terminal_size()));
    }
    return {};
}

Result<void> Sitting::cut_power()
{
    const size_t seat = sight_;
    seats_[seat].host->power_cut();
    shells_[seat].reader.join();
    shells_[seat].process.reset();
    char number = 0;  // that this shell has ended is no news
    (void)!::read(ended_[0], &number, 1);
    tell("the power is cut; booting again");
    seats_[seat].host = TRY(seats_[seat].boot());
    seats_[seat].plugged = 0;
    return look_at(seat);
}

void Sitting::report(const Result<void>& done, std::string_view success) const
{
    tell(done ? success : std::string_view(done.error().what));
}

Result<void> Sitting::obey(char key)
{
    Seat& seat = seats_[sight_];
    if (key >= '1' && key <= '9' && static_cast<size_t>(key - '1') < seats_.size()) {
        tell(fmt::format("host {}", key));
        TRY(look_at(static_cast<size_t>(key - '1')));
        return shells_[sight_].process->write("\n");  // for a prompt
    }
    switch (key) {
        case 'q':
            leaving_ = true;
            return {};
        case 'c':
            return cut_power();
        case 'p': {
            const std::string name = fmt::format("hot{}", seat.plugged + 1);
            const Result<void> done = seat.host->plug({name, plugged_size});
            report(done, fmt::format("the disk {} is in", name));
            if (done) ++seat.plugged;
            return {};
        }
        case 'u': {
            const std::string name = fmt::format("hot{}", seat.plugged);
            const Result<void> done = seat.host->unplug(name);
            report(done, fmt::format("the disk {} is out", name));
            if (done) --seat.plugged;
            return {};
        }
        case escape:
            return shells_[sight_].process->write(std::string_view(&escape, 1));
        default:
            tell(shell_help(seats_.size()));
            return {};
    }
}

Result<void> Sitting::type(std::string_view bytes)
{
    while (!bytes.empty() && !leaving_) {
        if (std::exchange(escaped_, false)) {
            TRY(obey(bytes.front()));
            bytes.remove_prefix(1);
            continue;
        }
        const size_t plain = std::min(bytes.find(escape), bytes.size());
        if (plain > 0) TRY(shells_[sight_].process->write(bytes.substr(0, plain)));
        bytes.remove_prefix(plain);
        escaped_ = !bytes.empty();
        if (escaped_) bytes.remove_prefix(1);
    }
    return {};
}

Result<int> Sitting::work(int resized)
{
    if (::pipe2(ended_.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("make a pipe", errno));
    TRY(look_at(0));
    int exit_code = 0;
    while (!leaving_) {
        std::array<pollfd, 3> waiting = {
            {{STDIN_FILENO, POLLIN, 0}, {resized, POLLIN, 0}, {ended_[0], POLLIN, 0}}};
        ::poll(waiting.data(), waiting.size(), -1);
        signalfd_siginfo news{};
        if (waiting[1].revents != 0 && ::read(resized, &news, sizeof news) > 0)
            TRY(shells_[sight_].process->resize(terminal_size()));
        char number = 0;
        if (waiting[2].revents != 0 && ::read(ended_[0], &number, 1) == 1) {
            const auto outcome = shells_[static_cast<size_t>(number)].process->wait(std::chrono::seconds(1));
            exit_code = TRY(outcome).exit_code;
            break;
        }
        if (waiting[0].revents == 0) continue;
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count <= 0) break;
        TRY(type(std::string_view(bytes.data(), static_cast<size_t>(count))));
    }
    return exit_code;
}

}  // namespace

std::string shell_help(size_t hosts)
{
    return fmt::format(
        "leave: exit, or Ctrl-] q   Ctrl-] c: cut the power and boot again   "
        "Ctrl-] p / u: plug a disk in / take it out{}",
        hosts > 1 ? fmt::format("   Ctrl-] 1..{}: the shell of that host", hosts) : "");
}

Result<int> give_terminal(std::vector<Seat>& seats)
{
    if (::isatty(STDIN_FILENO) == 0)
        return fail(ErrorKind::refused, "standard input is no terminal", "lab/run --exec 'COMMAND'");
    sigset_t resize;
    ::sigemptyset(&resize);
    ::sigaddset(&resize, SIGWINCH);
    ::pthread_sigmask(SIG_BLOCK, &resize, nullptr);
    const int resized = ::signalfd(-1, &resize, SFD_CLOEXEC | SFD_NONBLOCK);
    if (resized < 0) return std::unexpected(system_error("watch the terminal's size", errno));
    tell(shell_help(seats.size()));
    Result<int> exit_code;
    {
        const RawTerminal raw;
        exit_code = Sitting(seats).work(resized);
    }
    ::close(resized);
    return exit_code;
}

}  // namespace belay::lab
