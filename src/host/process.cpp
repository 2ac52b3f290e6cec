#include "host/process.h"

#include "host/spawn.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::host {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr size_t most_out = 16 << 20;
constexpr size_t most_err = 64 << 10;
constexpr auto grace = 1s;                       ///< between SIGTERM and SIGKILL
constexpr auto patience = 5s;                    ///< with a child that SIGKILL does not end
constexpr auto still_wanted = 1s;                ///< between two questions whether it is
constexpr Milliseconds most_limit = 24h * 3660;  ///< ten years, which no clock overflows on

/// Keeps SIGPIPE from this thread while it writes to a child that may be gone.
class NoSigpipe {
  public:
    NoSigpipe()
    {
        sigemptyset(&only_);
        sigaddset(&only_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &only_, &before_);
    }
    ~NoSigpipe()
    {
        const timespec at_once{};
        if (!was_pending_) {
            while (sigtimedwait(&only_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;

  private:
    sigset_t only_{};
    sigset_t before_{};
    bool was_pending_ = false;
};

/// What a child says on one pipe, kept up to a limit; the rest is read and thrown away.
class Listener {
  public:
    using Heard = std::function<bool(std::string_view)>;
    /// `heard`: is told all of it, and nothing is kept; null: it is kept.
    Listener(Descriptor pipe, size_t most, const Heard* heard = nullptr)
        : pipe_(std::move(pipe)), most_(most), heard_(heard)
    {
    }

    int number() const { return pipe_.number(); }
    bool overflowed() const { return overflowed_; }
    bool has_enough() const { return has_enough_; }
    std::string take_text() { return std::move(text_); }

    void hear()
    {
        std::array<char, 64 << 10> buffer;
        const ssize_t got = ::read(number(), buffer.data(), buffer.size());
        if (got > 0)
            keep(std::string_view(buffer.data(), static_cast<size_t>(got)));
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            pipe_.close();
    }

    /// Nothing has come: whether it is wanted still.
    void hear_nothing()
    {
        if (heard_ != nullptr) keep({});
    }

    /// What is in the pipe now, and no more: a process left behind could go on writing for ever.
    void hear_rest()
    {
        int waiting = 0;
        if (!pipe_ || ioctl(number(), FIONREAD, &waiting) != 0 || waiting <= 0) return;
        std::string rest(static_cast<size_t>(waiting), '\0');
        const ssize_t got = ::read(number(), rest.data(), rest.size());
        if (got > 0) keep(std::string_view(rest).substr(0, static_cast<size_t>(got)));
    }

  private:
    void keep(std::string_view heard)
    {
        if (heard_ != nullptr) {
            if (!has_enough_) has_enough_ = !(*heard_)(heard);
            return;
        }
        const std::string_view kept = heard.substr(0, most_ - text_.size());
        text_ += kept;
        if (kept.size() < heard.size()) overflowed_ = true;
    }

    Descriptor pipe_;
    size_t most_;
    const Heard* heard_;
    std::string text_;
    bool overflowed_ = false;
    bool has_enough_ = false;  ///< whoever is told wants no more
};

/// By number: glibc 2.36 declares pidfd_open() as if it were C++.
Descriptor open_process(pid_t pid)
{
    return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

/// The life of one child from its start to its end, or until we give it up.
class Conversation {
  public:
    Conversation(const Command& command, Child child)
        : command_(command),
          pid_(child.pid),
          pidfd_(open_process(child.pid)),
          in_(std::move(child.in)),
          out_(std::move(child.out), most_out, command.heard ? &command.heard : nullptr),
          err_(std::move(child.err), most_err),
          deadline_(Clock::now() + std::clamp(command.limit, Milliseconds::zero(), most_limit))
    {
    }

    /// True: the child ended and is to be reaped. False: it could not be followed to its end.
    bool follow()
    {
        if (!pidfd_) return give_up();
        while (true) {
            if (Clock::now() >= deadline_ && !press()) return give_up();
            std::array<pollfd, 4> events{{{pidfd_.number(), POLLIN, 0},
                                          {out_.number(), POLLIN, 0},
                                          {err_.number(), POLLIN, 0},
                                          {in_.number(), POLLOUT, 0}}};
            if (!wait(events)) return give_up();
            if (events[0].revents != 0) break;
            if (events[1].revents != 0) out_.hear();
            if (events[2].revents != 0) err_.hear();
            if (events[3].revents != 0) say();
            if (std::ranges::all_of(events, [](const pollfd& event) { return event.revents == 0; }))
                out_.hear_nothing();
            if (out_.has_enough() && stage_ == Stage::running) ask_to_end();
            if (out_.overflowed() && command_.effect == Effect::reads && stage_ != Stage::killed)
                kill_group();
        }
        out_.hear_rest();
        err_.hear_rest();
        // The leader is not reaped yet, so the number of its group is still its own.
        if (stage_ != Stage::running) kill(-pid_, SIGKILL);
        return true;
    }

    Result<Outcome> outcome(bool ended, int exit_code)
    {
        const auto failure = [&](ErrorKind kind, std::string what) {
            return std::unexpected(Error{.kind = kind,
                                         .what = std::move(what),
                                         .argv = command_.argv,
                                         .exit_code = exit_code,
                                         .output = err_.take_text().substr(0, 4096)});
        };
        const std::string& name = command_.argv.front();
        if (overran_ && ended)
            return failure(ErrorKind::timeout, fmt::format("{} took longer than {} and was killed", name,
                                                           belay::to_text(command_.limit)));
        if (overran_)
            return failure(ErrorKind::timeout,
                           fmt::format("{} took longer than {} and cannot be killed: it waits in "
                                       "the kernel, perhaps for a disk",
                                       name, belay::to_text(command_.limit)));
        if (out_.has_enough())
            return failure(ErrorKind::unavailable,
                           fmt::format("{} was ended, for its answer is not wanted any more", name));
        if (out_.overflowed())
            return failure(ErrorKind::corrupt,
                           fmt::format("{} said more than {}", name, belay::to_text(Bytes{most_out})));
        if (!ended)
            return failure(ErrorKind::lost, fmt::format("{} was started, but could not be followed", name));
        return Outcome{.exit_code = exit_code, .out = out_.take_text(), .err = err_.take_text()};
    }

  private:
    enum class Stage { running, asked_to_end, killed };

    /// The next means to end a child that is past its deadline; false when there is none left.
    bool press()
    {
        overran_ = !out_.has_enough();
        if (stage_ == Stage::killed) return false;
        if (stage_ == Stage::asked_to_end) {
            kill_group();
            return true;
        }
        ask_to_end();
        return true;
    }

    void ask_to_end()
    {
        kill(-pid_, SIGTERM);
        stage_ = Stage::asked_to_end;
        deadline_ = Clock::now() + grace;
    }

    void kill_group()
    {
        kill(-pid_, SIGKILL);
        stage_ = Stage::killed;
        deadline_ = Clock::now() + patience;
    }

    bool give_up()
    {
        kill(-pid_, SIGKILL);
        return false;
    }

    /// Sleeps until something happens or the deadline comes; false where the system cannot even do that.
    bool wait(std::array<pollfd, 4>& events) const
    {
        auto left =
            std::max(std::chrono::duration_cast<std::chrono::nanoseconds>(deadline_ - Clock::now()), 0ns);
        if (command_.heard) left = std::min<std::chrono::nanoseconds>(left, still_wanted);
        const timespec span{.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
        if (ppoll(events.data(), events.size(), &span, nullptr) >= 0) return true;
        for (pollfd& event : events) event.revents = 0;
        return errno == EINTR;
    }

    void say()
    {
        const std::string_view rest = std::string_view(command_.input).substr(said_);
        const NoSigpipe guard;
        const ssize_t took = ::write(in_.number(), rest.data(), rest.size());
        if (took > 0) said_ += static_cast<size_t>(took);
        // A child that does not want its input is no error: its exit code tells.
        const bool unwanted = took < 0 && errno != EAGAIN && errno != EINTR;
        if (unwanted || said_ == command_.input.size()) in_.close();
    }

    const Command& command_;
    pid_t pid_;
    Descriptor pidfd_;
    Descriptor in_;
    Listener out_;
    Listener err_;
    size_t said_ = 0;
    Clock::time_point deadline_;
    Stage stage_ = Stage::running;
    bool overran_ = false;
};

/// The exit code of a child that has ended, 128 + signal where one ended it; nothing where somebody else
/// reaped it.
std::optional<int> exit_code_of(pid_t pid)
{
    int status = 0;
    pid_t reaped = -1;
    do {
        reaped = waitpid(pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    if (reaped != pid) return std::nullopt;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Processes::Processes(std::optional<int> inherited_lock) : inherited_lock_(inherited_lock) {}

Result<Outcome> Processes::run(const Command& command)
{
    reap_abandoned();
    Child child = TRY(spawn(command, inherited_lock_));
    const pid_t pid = child.pid;
    Conversation conversation(command, std::move(child));
    if (!conversation.follow()) {
        const std::scoped_lock guard(mutex_);
        abandoned_.push_back(pid);
        return conversation.outcome(false, 0);
    }
    const std::optional<int> exit_code = exit_code_of(pid);
    return conversation.outcome(exit_code.has_value(), exit_code.value_or(0));
}

void Processes::reap_abandoned()
{
    const std::scoped_lock guard(mutex_);
    std::erase_if(abandoned_, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
}

}  // namespace belay::host
