#include "program.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::bench {

Result<Program> Program::start(const std::vector<std::string>& argv, int ready)
{
    constexpr int ready_descriptor = 3;
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (ready >= 0) posix_spawn_file_actions_adddup2(&files, ready, ready_descriptor);
    pid_t pid = -1;
    const int problem = posix_spawn(&pid, argv.front().c_str(), &files, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (problem != 0) return std::unexpected(system_error(fmt::format("run {}", argv.front()), problem));
    return Program(pid);
}

Program::~Program()
{
    if (pid_ < 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
}

Result<void> Program::wait()
{
    int status = 0;
    const pid_t pid = std::exchange(pid_, -1);
    if (waitpid(pid, &status, 0) != pid) return std::unexpected(system_error("wait for a program", errno));
    if (status != 0)
        return fail(ErrorKind::failed, fmt::format("a measured program ended with status {}", status));
    return {};
}

Result<void> run_to_end(const std::vector<std::string>& argv)
{
    return TRY(Program::start(argv)).wait();
}

}  // namespace belay::bench
