#pragma once
// belay-messages as a process, and those who speak to it.

#include "base/testing/must.h"
#include "framework/messages/message.h"
#include "host/testing/scratch.h"
#include "site/client.h"
#include "site/local_socket.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::messages {

using namespace std::chrono_literals;
using host::testing::Scratch;

inline constexpr auto patience = 120s;

/// One connection of somebody who speaks.
class Voice {
  public:
    explicit Voice(const std::string& run) : connection_(must(site::connect_to(run + "/say.sock"))) {}

    /// False: the server has hung up.
    bool say(std::string_view text) const
    {
        while (!text.empty()) {
            const ssize_t count = send(connection_.number(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return false;
            text.remove_prefix(static_cast<size_t>(count));
        }
        return true;
    }
    /// The next line of an answer; empty: it has hung up, or nothing came within the limit.
    std::string hear(std::chrono::milliseconds limit = patience)
    {
        while (heard_.find('\n') == std::string::npos) {
            pollfd ready{connection_.number(), POLLIN, 0};
            std::array<char, 4096> room{};
            if (poll(&ready, 1, static_cast<int>(limit.count())) <= 0) return "";
            const ssize_t count = recv(connection_.number(), room.data(), room.size(), 0);
            if (count <= 0) return "";
            heard_.append(room.data(), static_cast<size_t>(count));
        }
        const size_t end = heard_.find('\n');
        std::string line = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        return line;
    }
    /// How many were dropped since the last time; nothing: it has hung up.
    std::optional<int> sync(int number = 1)
    {
        if (!say(fmt::format("{{\"sync\":{}}}\n", number))) return std::nullopt;
        while (true) {
            const std::string line = hear();
            if (line.empty()) return std::nullopt;
            const Json answer = must(parse_json(line));
            if (answer.contains("error")) continue;
            CHECK(answer.at("kept") == number);
            return answer.at("dropped").get<int>();
        }
    }
    int number() const { return connection_.number(); }

  private:
    host::Descriptor connection_;
    std::string heard_;
};

class MessageServer {
  public:
    MessageServer() { start(); }
    ~MessageServer() { end(SIGKILL); }
    MessageServer(const MessageServer&) = delete;
    MessageServer& operator=(const MessageServer&) = delete;

    void start(const std::string& program = TEST_MESSAGES)
    {
        client_ = must(
            site::connect({.socket = run() + "/messages.sock", .state_folder = state(), .daemon = program}));
        pid_ = client().call("Hello", Json::object())->at("pid");
    }
    /// Its exit code, 128 + signal.
    int end(int signal)
    {
        if (pid_ <= 0) return 0;
        client_.reset();
        kill(pid_, signal);
        int status = 0;
        if (waitpid(pid_, &status, 0) != pid_) {
            // Not a child of ours: one that a program between has started.
            for (int i = 0; i < 60'000 && kill(pid_, 0) == 0; ++i) usleep(1000);
        }
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    void kill_and_start()
    {
        end(SIGKILL);
        start();
    }

    site::Client& client() { return *client_; }
    pid_t pid() const { return pid_; }
    std::string run() const { return scratch_.path("run"); }
    std::string state() const { return scratch_.path("state"); }
    std::string path(std::string_view name) const { return scratch_.path(name); }

    Json ask(std::string_view method, const Json& parameters = Json::object())
    {
        return must(client().call(method, parameters));
    }
    /// All that fit a query, by as many questions as needed.
    std::vector<Json> all(Json query = Json::object())
    {
        std::vector<Json> found;
        query["after"] = 0;
        query["limit"] = 10'000;
        while (true) {
            const Json answer = ask("Messages", query);
            for (const Json& one : answer.at("messages")) found.push_back(one);
            if (answer.at("messages").empty()) return found;
            query["after"] = answer.at("next");
        }
    }
    /// In KiB.
    long memory(std::string_view what = "VmHWM") const
    {
        std::ifstream status(fmt::format("/proc/{}/status", pid_));
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with(fmt::format("{}:", what))) return std::stol(line.substr(what.size() + 1));
        }
        return 0;
    }

  private:
    Scratch scratch_;
    std::unique_ptr<site::Client> client_;
    pid_t pid_ = 0;
};

/// How many messages the server says that it has dropped.
inline uint64_t said_dropped(MessageServer& server)
{
    uint64_t count = 0;
    for (const Json& one : server.all({{"id", "01-00010"}}))
        count += std::stoull(one.at("attributes").at("count").get<std::string>());
    return count;
}

/// Waits for it, with a limit that only something broken reaches.
template <typename Come>
void await(const Come& come)
{
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!come()) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        usleep(5000);
    }
}

}  // namespace belay::messages
