#pragma once
// For tests: programs as a person or a script runs them.

#include "host/descriptor.h"
#include "site/starter.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace belay::daemon::testing {

struct Ran {
    int code = -1;     ///< 128 + signal where it was killed
    std::string out;   ///< of standard output alone
    std::string said;  ///< both, the output first
};

/// In the environment of what strace traces: the address sanitizer looks for leaks by the same means.
inline constexpr const char* untraced_leaks = "ASAN_OPTIONS=detect_leaks=0";

inline constexpr const char* plain_path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

struct OpenPipe {
    host::Descriptor reading, writing;
};

inline OpenPipe open_pipe()
{
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    return {host::Descriptor(ends[0]), host::Descriptor(ends[1])};
}

/// Without a name, to be read from its beginning.
inline host::Descriptor file_with(const std::string& text)
{
    host::Descriptor file(memfd_create("input", MFD_CLOEXEC));
    REQUIRE(write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(lseek(file.number(), 0, SEEK_SET) == 0);
    return file;
}

/// Descriptors of ours, by what they are to be in the child.
using Handed = std::vector<std::pair<int, int>>;

/// `words`: the program with its arguments. `environment`: as "NAME=VALUE".
inline pid_t spawn(std::vector<std::string> words, std::vector<std::string> environment, const Handed& handed)
{
    std::vector<char*> argv, variables;
    for (std::string& word : words) argv.push_back(word.data());
    for (std::string& variable : environment) variables.push_back(variable.data());
    argv.push_back(nullptr);
    variables.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (const auto& [in_child, ours] : handed) posix_spawn_file_actions_adddup2(&files, ours, in_child);
    pid_t pid = 0;
    REQUIRE(posix_spawn(&pid, argv.front(), &files, nullptr, argv.data(), variables.data()) == 0);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

inline int code_of(pid_t pid)
{
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Waits for the end of a process that was told to end. Where it does not, the test fails, says what its
/// threads wait for, and kills it.
inline void await_end_of(pid_t pid)
{
    constexpr int patience_ms = 60'000;
    pollfd process{static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), POLLIN, 0};
    const host::Descriptor closes_it(process.fd);
    if (poll(&process, 1, patience_ms) == 0) {
        std::string threads;
        std::error_code gone;
        for (const auto& thread :
             std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
            for (const char* name : {"comm", "wchan", "syscall"}) {
                std::string line;
                std::getline(std::ifstream(thread.path() / name), line);
                threads += line + ' ';
            }
            threads += '\n';
        }
        FAIL_CHECK(fmt::format("process {} does not end:\n{}", pid, threads));
        kill(pid, SIGKILL);
    }
    waitpid(pid, nullptr, 0);
}

/// Runs it to its end, with `input` on its standard input.
inline Ran run_to_end(const std::vector<std::string>& words, const std::string& input = "",
                      const std::vector<std::string>& environment = {plain_path})
{
    const host::Descriptor in = file_with(input);
    OpenPipe out = open_pipe(), err = open_pipe();
    const pid_t pid = spawn(words, environment,
                            {{STDIN_FILENO, in.number()},
                             {STDOUT_FILENO, out.writing.number()},
                             {STDERR_FILENO, err.writing.number()}});
    out.writing.close();
    err.writing.close();
    Ran ran;
    std::string complained;
    std::array<pollfd, 2> both = {pollfd{out.reading.number(), POLLIN, 0},
                                  pollfd{err.reading.number(), POLLIN, 0}};
    while (both[0].fd >= 0 || both[1].fd >= 0) {
        if (poll(both.data(), both.size(), -1) < 0 && errno != EINTR) break;
        for (pollfd& one : both) {
            if (one.fd < 0 || one.revents == 0) continue;
            std::array<char, 4096> room{};
            const ssize_t count = read(one.fd, room.data(), room.size());
            if (count > 0)
                (&one == both.data() ? ran.out : complained).append(room.data(), static_cast<size_t>(count));
            else
                one.fd = -1;
        }
    }
    ran.code = code_of(pid);
    ran.said = ran.out + complained;
    return ran;
}

/// Starts a daemon; its process, when it serves. A failed test, with what it said, where it does not.
inline pid_t start_and_await_ready(std::vector<std::string> words,
                                   const std::vector<std::string>& environment = {plain_path})
{
    constexpr int ready_descriptor = 3;
    OpenPipe ready = open_pipe();
    words.insert(words.end(), {"--ready-fd", std::to_string(ready_descriptor)});
    const pid_t pid = spawn(words, environment, {{ready_descriptor, ready.writing.number()}});
    ready.writing.close();
    std::string said;
    std::array<char, 1024> room{};
    for (ssize_t count = 0; !said.ends_with(site::ready_line) &&
                            (count = read(ready.reading.number(), room.data(), room.size())) > 0;)
        said.append(room.data(), static_cast<size_t>(count));
    const bool is_ready = said.ends_with(site::ready_line);
    if (!is_ready) waitpid(pid, nullptr, 0);
    REQUIRE_MESSAGE(is_ready, said);
    return pid;
}

}  // namespace belay::daemon::testing
