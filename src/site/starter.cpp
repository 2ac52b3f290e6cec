#include "site/starter.h"

#include "base/json.h"
#include "host/descriptor.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::site {
namespace {

constexpr int ready_descriptor = 3;
constexpr size_t most_said = 4096;

struct Pipe {
    host::Descriptor reading, writing;
};

Result<Pipe> make_pipe()
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("make a pipe", errno));
    return Pipe{host::Descriptor(ends[0]), host::Descriptor(ends[1])};
}

Result<pid_t> spawn_daemon(const StartOptions& options, int pipe)
{
    std::vector<std::string> words = {options.program, "--socket", options.socket, "--ready-fd",
                                      fmt::format("{}", ready_descriptor)};
    if (!options.state_folder.empty()) words.insert(words.end(), {"--state-dir", options.state_folder});
    if (options.gives_way) words.emplace_back("--gives-way");
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    std::array<char*, 2> environment = {path.data(), nullptr};

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, pipe, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, pipe, ready_descriptor);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, ready_descriptor + 1);
    posix_spawn_file_actions_addchdir_np(&files, "/");
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    pid_t pid = -1;
    const int problem =
        posix_spawn(&pid, options.program.c_str(), &files, &attributes, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (problem != 0)
        return fail(ErrorKind::unavailable,
                    system_error(fmt::format("start {}", options.program), problem).what,
                    "is Belay installed whole? apt install --reinstall belay");
    return pid;
}

/// What came by the pipe until the daemon was ready or let go of it.
std::string listen_to(int pipe)
{
    std::string said;
    std::array<char, 1024> room{};
    while (!said.ends_with(ready_line) && said.size() < most_said) {
        const ssize_t count = ::read(pipe, room.data(), room.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        said.append(room.data(), static_cast<size_t>(count));
    }
    return said;
}

/// The Error that stands in the last line, or else all that was said.
Error error_in(const std::string& said, const std::string& program)
{
    std::string_view line = said;
    while (line.ends_with('\n')) line.remove_suffix(1);
    if (const size_t end = line.rfind('\n'); end != std::string_view::npos) line.remove_prefix(end + 1);
    if (Result<Error> reported = from_json_text<Error>(line); reported && !reported->what.empty())
        return *reported;
    return Error{.kind = ErrorKind::unavailable,
                 .what = fmt::format("{} ended before it was ready", program),
                 .output = said};
}

}  // namespace

Result<void> start_daemon(const StartOptions& options)
{
    Pipe pipe = TRY(make_pipe());
    const pid_t pid = TRY(spawn_daemon(options, pipe.writing.number()));
    pipe.writing.close();
    const std::string said = listen_to(pipe.reading.number());
    if (said.ends_with(ready_line)) return {};
    // A daemon that waits for something has reported that and lives on; one that failed is gone in a moment.
    waitpid(pid, nullptr, WNOHANG);
    return std::unexpected(error_in(said, options.program));
}

}  // namespace belay::site
