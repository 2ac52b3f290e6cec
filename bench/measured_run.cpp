#include "measured_run.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::bench {
namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& words)
{
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

std::string end_of(const std::string& log)
{
    constexpr size_t enough = 600;
    std::ifstream file(log);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return text.size() <= enough ? text : text.substr(text.size() - enough);
}

Result<pid_t> start(const Call& call)
{
    std::vector<std::string> variables = call.environment;
    for (char** one = environ; *one != nullptr; ++one) variables.emplace_back(*one);
    const std::vector<char*> argv = pointers_to(call.argv), environment = pointers_to(variables);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, call.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    if (!call.folder.empty()) posix_spawn_file_actions_addchdir_np(&files, call.folder.c_str());
    pid_t pid = -1;
    const int problem = posix_spawnp(&pid, argv.front(), &files, nullptr, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&files);
    if (problem != 0) return std::unexpected(system_error(fmt::format("run {}", call.argv.front()), problem));
    return pid;
}

Nanoseconds span_of(const timeval& time)
{
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

Result<Cost> measure(const Call& call)
{
    ::sync();
    const auto begun = std::chrono::steady_clock::now();
    const pid_t pid = TRY(start(call));
    int status = 0;
    rusage used = {};
    while (::wait4(pid, &status, 0, &used) != pid) {
        if (errno != EINTR)
            return std::unexpected(system_error(fmt::format("wait for {}", call.argv.front()), errno));
    }
    const auto wall = std::chrono::steady_clock::now() - begun;
    if (status != 0)
        return fail(ErrorKind::failed, fmt::format("\"{}\" ended with status {:#x}; it said:\n{}",
                                                   fmt::join(call.argv, " "), status, end_of(call.log)));
    return Cost{.time = {wall, span_of(used.ru_utime) + span_of(used.ru_stime)},
                .peak_memory = static_cast<uint64_t>(used.ru_maxrss) << 10};
}

}  // namespace belay::bench
