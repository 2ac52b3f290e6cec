#include "store/etcd/testing/process.h"

#include "base/invariant.h"

#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace belay::store {

Process::Process(const std::vector<std::string>& argv, const std::string& log)
{
    std::vector<std::string> words = {"/usr/bin/setpriv", "--pdeathsig", "KILL", "--"};
    words.insert(words.end(), argv.begin(), argv.end());
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    INVARIANT(posix_spawn(&pid_, words[0].c_str(), &files, nullptr, pointers.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&files);
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Process& Process::operator=(Process&& other) noexcept
{
    if (this == &other) return *this;
    end();
    pid_ = std::exchange(other.pid_, -1);
    return *this;
}

void Process::signal(int number) const
{
    INVARIANT(runs() && kill(pid_, number) == 0);
}

void Process::stop() const
{
    signal(SIGSTOP);
    int status = 0;
    INVARIANT(waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status));
}

void Process::end()
{
    if (!runs()) return;
    signal(SIGKILL);
    wait();
}

int Process::wait()
{
    INVARIANT(runs());
    int status = 0;
    INVARIANT(waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int free_port()
{
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    INVARIANT(listener >= 0 && bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    INVARIANT(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    close(listener);
    return ntohs(address.sin_port);
}

}  // namespace belay::store
