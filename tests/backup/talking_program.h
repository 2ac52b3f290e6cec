#pragma once
// For tests: a program that goes on until it is told to end, and what it says meanwhile, line by line.

#include "base/json.h"
#include "base/testing/must.h"
#include "host/descriptor.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::backup {

class TalkingProgram {
  public:
    /// With these variables in its environment ("NAME=VALUE"). What it says on standard error goes into a
    /// file.
    TalkingProgram(const std::vector<std::string>& environment, const std::vector<std::string>& words,
                   std::string complaints)
        : complaints_(std::move(complaints))
    {
        std::vector<std::string> argv = {"env"};
        argv.insert(argv.end(), environment.begin(), environment.end());
        argv.insert(argv.end(), words.begin(), words.end());
        std::vector<char*> pointers;
        for (std::string& word : argv) pointers.push_back(word.data());
        pointers.push_back(nullptr);
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        output_ = host::Descriptor(ends[0]);
        const host::Descriptor theirs(ends[1]);
        const host::Descriptor errors(
            ::open(complaints_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        REQUIRE(errors);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(theirs.number(), STDOUT_FILENO);
        ::dup2(errors.number(), STDERR_FILENO);
        ::execvp(pointers.front(), pointers.data());
        ::_exit(127);
    }
    ~TalkingProgram() { end(SIGKILL); }
    TalkingProgram(const TalkingProgram&) = delete;
    TalkingProgram& operator=(const TalkingProgram&) = delete;

    pid_t pid() const { return pid_; }

    /// The next message of that type, as JSON; those before it are passed over.
    Json next(const std::string& type, std::chrono::milliseconds limit = std::chrono::seconds(30))
    {
        const auto until = std::chrono::steady_clock::now() + limit;
        for (;;) {
            const size_t end = unread_.find('\n');
            if (end == std::string::npos) {
                REQUIRE_MESSAGE(reads(until), "no ", type, "; it said: ", said_, complained());
                continue;
            }
            const Json message = must(parse_json(unread_.substr(0, end)));
            unread_.erase(0, end + 1);
            if (message.at("message_type") == type) return message;
        }
    }
    /// Everything that it has said so far.
    const std::string& said() const { return said_; }
    std::string complained() const
    {
        std::ifstream file(complaints_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    void hang_up() { output_.close(); }

    /// Its exit code, 128 + signal.
    int end(int signal)
    {
        if (pid_ <= 0) return -1;
        ::kill(pid_, signal);
        return wait();
    }
    int wait()
    {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

  private:
    bool reads(std::chrono::steady_clock::time_point until)
    {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd entry{.fd = output_.number(), .events = POLLIN, .revents = 0};
        if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) return false;
        char buffer[4096];
        const ssize_t count = ::read(output_.number(), buffer, sizeof buffer);
        if (count <= 0) return false;
        unread_.append(buffer, static_cast<size_t>(count));
        said_.append(buffer, static_cast<size_t>(count));
        return true;
    }

    std::string complaints_, unread_, said_;
    host::Descriptor output_;
    pid_t pid_ = -1;
};

}  // namespace belay::backup
