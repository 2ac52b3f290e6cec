#include "host/spawn.h"

#include "base/invariant.h"
#include "host/program.h"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>

namespace belay::host {
namespace {

constexpr const char* environment[] = {
    "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", nullptr};
constexpr int lock_number = 3;

Result<void> demand_plain(const Command& command)
{
    if (command.argv.empty() || command.argv.front().empty())
        return fail(ErrorKind::usage, "a command without a name");
    if (command.argv.front().find('/') != std::string::npos)
        return fail(ErrorKind::usage, fmt::format("{} is not a bare program name", command.argv.front()));
    for (const std::string& word : command.argv) {
        if (word.find('\0') != std::string::npos)
            return fail(ErrorKind::usage, fmt::format("a zero byte in {}", command.to_text()));
    }
    return {};
}

/// Above 2, so that no move onto 0, 1 and 2 in the child overwrites the source of another.
Result<Descriptor> above_standard(Descriptor end)
{
    if (end.number() > STDERR_FILENO) return end;
    Descriptor moved(fcntl(end.number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!moved) return std::unexpected(system_error("make a pipe", errno));
    return moved;
}

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;
};

Result<Pipe> make_pipe()
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(system_error("make a pipe", errno));
    Descriptor first(ends[0]);
    Descriptor second(ends[1]);
    Pipe pipe;
    pipe.read_end = TRY(above_standard(std::move(first)));
    pipe.write_end = TRY(above_standard(std::move(second)));
    return pipe;
}

void never_block(const Descriptor& end)
{
    INVARIANT(fcntl(end.number(), F_SETFL, O_NONBLOCK) == 0);
}

/// What the child does to its open files before it becomes the program. The first problem is kept until
/// done().
class FileActions {
  public:
    FileActions() { note(posix_spawn_file_actions_init(&actions_)); }
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    void move(int from, int to) { note(posix_spawn_file_actions_adddup2(&actions_, from, to)); }
    void open_nothing(int to)
    {
        note(posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDONLY, 0));
    }
    void close_from(int first) { note(posix_spawn_file_actions_addclosefrom_np(&actions_, first)); }
    void enter(const char* folder) { note(posix_spawn_file_actions_addchdir_np(&actions_, folder)); }

    int problem() const { return problem_; }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    void note(int problem)
    {
        if (problem_ == 0) problem_ = problem;
    }
    posix_spawn_file_actions_t actions_{};
    int problem_ = 0;
};

/// A session of its own, every signal at its default and none blocked.
class Attributes {
  public:
    Attributes()
    {
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        INVARIANT(posix_spawnattr_init(&attributes_) == 0);
        INVARIANT(posix_spawnattr_setsigdefault(&attributes_, &all) == 0);
        INVARIANT(posix_spawnattr_setsigmask(&attributes_, &none) == 0);
        INVARIANT(posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                             POSIX_SPAWN_SETSIGMASK) == 0);
    }
    ~Attributes() { posix_spawnattr_destroy(&attributes_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;

    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

Result<pid_t> start(const std::string& program, const std::vector<std::string>& argv,
                    const FileActions& actions)
{
    const Attributes attributes;
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t pid = -1;
    int problem = actions.problem();
    if (problem == 0)
        problem = posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), words.data(),
                              const_cast<char* const*>(environment));
    if (problem != 0) return std::unexpected(system_error(fmt::format("run {}", program), problem));
    return pid;
}

}  // namespace

Result<Child> spawn(const Command& command, std::optional<int> inherited_lock)
{
    TRY(demand_plain(command));
    const std::string program = TRY(program_path(command.argv.front()));
    Pipe in;
    Pipe out = TRY(make_pipe());
    Pipe err = TRY(make_pipe());

    FileActions actions;
    const bool has_input = !command.input.empty();
    if (has_input) {
        in = TRY(make_pipe());
        never_block(in.write_end);
        actions.move(in.read_end.number(), STDIN_FILENO);
    } else if (inherited_lock) {
        actions.move(*inherited_lock, STDIN_FILENO);
    } else {
        actions.open_nothing(STDIN_FILENO);
    }
    actions.move(out.write_end.number(), STDOUT_FILENO);
    actions.move(err.write_end.number(), STDERR_FILENO);
    const bool extra_lock = has_input && inherited_lock;
    if (extra_lock) actions.move(*inherited_lock, lock_number);
    actions.close_from(extra_lock ? lock_number + 1 : lock_number);
    actions.enter("/");
    never_block(out.read_end);
    never_block(err.read_end);

    const pid_t pid = TRY(start(program, command.argv, actions));
    return Child{.pid = pid,
                 .in = std::move(in.write_end),
                 .out = std::move(out.read_end),
                 .err = std::move(err.read_end)};
}

}  // namespace belay::host
