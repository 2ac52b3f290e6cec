#include "guest/commands.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::lab {

namespace {

/// With more than this on its way no command's output is read, so that a noisy one waits in its own pipe.
constexpr size_t much_unsent = 256UL * 1024;

unsigned number_of(const std::string& text)
{
    unsigned number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

void set_size(int terminal, unsigned rows, unsigned columns)
{
    winsize size{};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    ::ioctl(terminal, TIOCSWINSZ, &size);
}

void close_fd(int& fd)
{
    if (fd >= 0) ::close(fd);
    fd = -1;
}

/// The descriptors of a command that is about to start: ours, and what becomes its 0, 1 and 2.
struct Ends {
    std::array<int, 3> ours = {-1, -1, -1};
    std::array<int, 3> theirs = {-1, -1, -1};
    std::string terminal;  ///< its path, in place of `theirs`
};

int open_terminal(Ends& ends, unsigned rows, unsigned columns)
{
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    std::array<char, 64> name{};
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
        ::ptsname_r(master, name.data(), name.size()) != 0)
        return errno;
    set_size(master, rows, columns);
    ends.ours = {master, master, -1};
    ends.terminal = name.data();
    return 0;
}

int open_pipes(Ends& ends)
{
    for (size_t i = 0; i < 3; ++i) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return errno;
        ends.ours[i] = pipe[i == 0 ? 1 : 0];
        ends.theirs[i] = pipe[i == 0 ? 0 : 1];
        ::fcntl(ends.ours[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

/// posix_spawn: a fork would copy the agent's page tables, which is what is slow in a guest.
int spawn(const Ends& ends, const std::vector<std::string>& argv, pid_t& process)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    // The first terminal that a session leader opens becomes the session's.
    for (int fd = 0; fd < 3; ++fd) {
        if (ends.terminal.empty())
            ::posix_spawn_file_actions_adddup2(&actions, ends.theirs[static_cast<size_t>(fd)], fd);
        else
            ::posix_spawn_file_actions_addopen(&actions, fd, ends.terminal.c_str(), O_RDWR, 0);
    }
    std::vector<char*> pointers;
    for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    const int error = ::posix_spawnp(&process, pointers[0], &actions, &attributes, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    return error;
}

}  // namespace

void Commands::send(FrameType type, uint32_t command, std::string payload)
{
    unsent_ += encode({type, command, std::move(payload)});
}

Result<Frame> Commands::await_frame()
{
    for (;;) {
        if (std::optional<Frame> frame = TRY(decoder_.next())) return *std::move(frame);
        pollfd waiting{line_, POLLIN, 0};
        ::poll(&waiting, 1, -1);
        TRY(read_line());
        TRY(flush());
    }
}

Result<void> Commands::flush()
{
    while (!unsent_.empty()) {
        pollfd waiting{line_, POLLOUT, 0};
        ::poll(&waiting, 1, -1);
        TRY(write_line());
    }
    return {};
}

Result<void> Commands::read_line()
{
    std::array<char, 16384> bytes{};
    const ssize_t count = ::read(line_, bytes.data(), bytes.size());
    if (count > 0) {
        decoder_.feed({bytes.data(), static_cast<size_t>(count)});
        send(FrameType::taken, 0, fmt::to_string(count));
    }
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) return {};
    return fail(ErrorKind::io, "the lab has hung up");
}

Result<void> Commands::write_line()
{
    const ssize_t count = ::write(line_, unsent_.data(), unsent_.size());
    if (count > 0) unsent_.erase(0, static_cast<size_t>(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR) return fail(ErrorKind::io, "the lab has hung up");
    return {};
}

std::vector<pollfd> Commands::wishes(int children) const
{
    std::vector<pollfd> wanted = {{line_, static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                                  {children, POLLIN, 0}};
    const auto readable = static_cast<short>(unsent_.size() < much_unsent ? POLLIN : 0);
    for (const auto& [number, command] : commands_) {
        if (command.terminal) {
            const auto writable = static_cast<short>(command.input.empty() ? 0 : POLLOUT);
            wanted.push_back({command.out, static_cast<short>(readable | writable), 0});
            continue;
        }
        if (readable != 0 && command.out >= 0) wanted.push_back({command.out, readable, 0});
        if (readable != 0 && command.err >= 0) wanted.push_back({command.err, readable, 0});
        if (command.in >= 0 && !command.input.empty()) wanted.push_back({command.in, POLLOUT, 0});
    }
    return wanted;
}

Result<void> Commands::serve()
{
    sigset_t child_signal;
    ::sigemptyset(&child_signal);
    ::sigaddset(&child_signal, SIGCHLD);
    const int children = ::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    for (;;) {
        std::vector<pollfd> waiting = wishes(children);
        ::poll(waiting.data(), waiting.size(), -1);
        if (waiting[0].revents & (POLLIN | POLLHUP | POLLERR)) TRY(read_line());
        while (const std::optional<Frame> frame = TRY(decoder_.next())) {
            if (frame->type == FrameType::power_off) return {};
            obey(*frame);
        }
        for (auto& [number, command] : commands_) {
            feed(command);
            if (unsent_.size() >= much_unsent) continue;
            if (command.out >= 0 && !forward(number, command.out, FrameType::out))
                close_output(command, command.out);
            if (command.err >= 0 && !forward(number, command.err, FrameType::err))
                close_output(command, command.err);
        }
        signalfd_siginfo news{};
        while (::read(children, &news, sizeof news) > 0) {
        }
        bury_children();
        TRY(write_line());
    }
}

void Commands::obey(const Frame& frame)
{
    if (frame.type == FrameType::start) return start(frame.command, frame.payload);
    const auto found = commands_.find(frame.command);
    if (found == commands_.end()) return;  // it has ended meanwhile
    Command& command = found->second;
    switch (frame.type) {
        case FrameType::input:
            command.input += frame.payload;
            break;
        case FrameType::input_end:
            command.input_ended = true;
            break;
        case FrameType::signal:
            ::kill(-command.process, static_cast<int>(number_of(frame.payload)));
            break;
        case FrameType::resize: {
            const std::vector<std::string> size = split(frame.payload);
            if (command.terminal && size.size() == 2)
                set_size(command.out, number_of(size[0]), number_of(size[1]));
            break;
        }
        default:
            break;
    }
}

void Commands::start(uint32_t number, const std::string& payload)
{
    std::vector<std::string> fields = split(payload);
    if (fields.size() < 3) return send(FrameType::not_started, number, fmt::to_string(EINVAL));
    const unsigned rows = number_of(fields[0]);
    const unsigned columns = number_of(fields[1]);
    fields.erase(fields.begin(), fields.begin() + 2);

    Ends ends;
    Command command;
    int error = rows > 0 ? open_terminal(ends, rows, columns) : open_pipes(ends);
    if (error == 0) error = spawn(ends, fields, command.process);
    for (int& fd : ends.theirs) close_fd(fd);
    if (error != 0) {
        if (rows > 0) ends.ours[1] = -1;
        for (int& fd : ends.ours) close_fd(fd);
        return send(FrameType::not_started, number, fmt::to_string(error));
    }
    command.terminal = rows > 0;
    command.in = ends.ours[0];
    command.out = ends.ours[1];
    command.err = ends.ours[2];
    commands_.emplace(number, std::move(command));
}

void Commands::feed(Command& command)
{
    if (command.in < 0) return;
    if (!command.input.empty()) {
        const ssize_t count = ::write(command.in, command.input.data(), command.input.size());
        if (count > 0)
            command.input.erase(0, static_cast<size_t>(count));
        else if (errno != EAGAIN)
            command.input.clear();  // nobody reads any more
    }
    if (command.input.empty() && command.input_ended && !command.terminal) close_fd(command.in);
}

bool Commands::forward(uint32_t number, int fd, FrameType type)
{
    std::array<char, frame_limit> bytes{};
    const ssize_t count = ::read(fd, bytes.data(), bytes.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    send(type, number, std::string(bytes.data(), static_cast<size_t>(count)));
    return true;
}

void Commands::close_output(Command& command, int& fd)
{
    // A terminal says EIO while nobody has it open; the session may open it again until it ends.
    if (!command.terminal) close_fd(fd);
}

void Commands::bury_children()
{
    int status = 0;
    for (pid_t dead = 0; (dead = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        for (auto& [number, command] : commands_) {
            if (command.process != dead) continue;
            finish(number, command, status);
            commands_.erase(number);
            break;
        }
    }
}

void Commands::finish(uint32_t number, Command& command, int status)
{
    // What it wrote is taken to the last byte. The end of its pipes is not waited for: a daemon that it
    // left behind holds them for ever.
    for (size_t before = 0; command.out >= 0 && before != unsent_.size();) {
        before = unsent_.size();
        forward(number, command.out, FrameType::out);
    }
    for (size_t before = 0; command.err >= 0 && before != unsent_.size();) {
        before = unsent_.size();
        forward(number, command.err, FrameType::err);
    }
    if (command.terminal) command.in = -1;
    close_fd(command.in);
    close_fd(command.out);
    close_fd(command.err);
    send(FrameType::exited, number,
         fmt::to_string(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)));
}

}  // namespace belay::lab
