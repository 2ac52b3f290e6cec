#pragma once
// Those who call a pair of examples/web-pair all the time, some over one connection for many requests and
// some over a new one for each, and count what goes wrong.

#include "host/descriptor.h"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <functional>
#include <mutex>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

namespace belay::supervisor {

/// So long a caller waits who is told nothing.
inline constexpr std::chrono::seconds unheard{8};

/// None where nobody takes it; errno says why.
inline host::Descriptor connected_to(const std::string& address, uint16_t port)
{
    const bool is_6 = address.contains(':');
    host::Descriptor connection(socket(is_6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = unheard.count(), .tv_usec = 0};
    setsockopt(connection.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(connection.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int failed = 0;
    if (is_6) {
        sockaddr_in6 at{};
        at.sin6_family = AF_INET6;
        at.sin6_port = htons(port);
        inet_pton(AF_INET6, address.c_str(), &at.sin6_addr);
        failed = connect(connection.number(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
    } else {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        inet_pton(AF_INET, address.c_str(), &at.sin_addr);
        failed = connect(connection.number(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
    }
    if (failed != 0) connection.close();
    return connection;
}

/// Of one request, whatever comes until the end of its connection.
inline std::string answer_to(const std::string& address, uint16_t port, const std::string& path)
{
    const host::Descriptor connection = connected_to(address, port);
    const std::string request = "GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n";
    if (!connection || send(connection.number(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
    std::string text;
    std::array<char, 4096> room{};
    for (ssize_t size = 0; (size = recv(connection.number(), room.data(), room.size(), 0)) > 0;)
        text.append(room.data(), static_cast<size_t>(size));
    return text;
}

class Callers {
  public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        std::string address;
        uint16_t port = 0;
        size_t that_stay = 8, that_come_anew = 4;
        std::chrono::milliseconds pause{5};
        std::function<void()> in_thread = [] {};  ///< before anything else
        /// Each answer as it has come, and when it was asked for; one after another.
        std::function<void(const std::string&, Clock::time_point)> hears = [](const auto&, auto) {};
    };
    struct Counted {
        size_t answers = 0, failed = 0;
        size_t begun = 0;                          ///< connections
        size_t out_of_turn = 0;                    ///< answers of one whose turn was over when it was asked
        std::chrono::milliseconds longest{0};      ///< that an answer has taken, with its connection
        std::chrono::microseconds longest_gap{0};  ///< between two answers, whoever asked
        std::string first_problem = {};
    };

    explicit Callers(Options options) : options_(std::move(options))
    {
        for (size_t i = 0; i < options_.that_stay + options_.that_come_anew; ++i)
            threads_.emplace_back([this, stays = i < options_.that_stay] { call(stays); });
    }
    ~Callers() { stop(); }
    Callers(const Callers&) = delete;
    Callers& operator=(const Callers&) = delete;

    /// What has come since it was taken last.
    Counted take()
    {
        const std::lock_guard lock(mutex_);
        return std::exchange(counted_, {});
    }
    Counted stop()
    {
        stopping_ = true;
        for (std::thread& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
        return take();
    }

  private:
    void call(bool stays)
    {
        options_.in_thread();
        host::Descriptor connection;
        while (!stopping_) {
            const uint64_t turn = highest_;
            const auto begun = Clock::now();
            bool ends = !stays;
            const std::string problem = ask(connection, ends, turn, begun);
            const auto now = Clock::now();
            const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun);
            if (!problem.empty() || ends) connection.close();
            {
                const std::lock_guard lock(mutex_);
                ++(problem.empty() ? counted_.answers : counted_.failed);
                if (!problem.empty() && counted_.first_problem.empty()) counted_.first_problem = problem;
                counted_.longest = std::max(counted_.longest, took);
                if (problem.empty()) count_gap(now);
            }
            std::this_thread::sleep_for(options_.pause);
        }
    }

    void count_gap(Clock::time_point now)
    {
        const auto gap = std::chrono::duration_cast<std::chrono::microseconds>(now - last_answer_);
        if (last_answer_ != Clock::time_point{}) counted_.longest_gap = std::max(counted_.longest_gap, gap);
        last_answer_ = std::max(last_answer_, now);
    }

    /// What went wrong; empty: nothing.
    std::string ask(host::Descriptor& connection, bool& ends, uint64_t turn, Clock::time_point begun)
    {
        const bool is_new = !connection;
        const std::string about = is_new ? "new connection: " : "kept connection: ";
        if (is_new && !connect(connection)) return about + "connect: " + strerrordesc_np(errno);
        const std::string request =
            std::string("GET / HTTP/1.1\r\nHost: pair\r\n") + (ends ? "Connection: close\r\n\r\n" : "\r\n");
        if (send(connection.number(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
            return about + "send: " + strerrordesc_np(errno);
        std::string text;
        std::array<char, 4096> room{};
        while (!is_whole(text)) {
            const ssize_t size = recv(connection.number(), room.data(), room.size(), 0);
            if (size < 0) return about + "recv: " + strerrordesc_np(errno);
            if (size == 0) return about + "ended without an answer";
            text.append(room.data(), static_cast<size_t>(size));
        }
        if (!text.starts_with("HTTP/1.1 200")) return about + text.substr(0, 40);
        ends = text.contains("Connection: close");
        const size_t token = text.find("token ");
        uint64_t number = 0;
        if (token != std::string::npos)
            std::from_chars(text.data() + token + 6, text.data() + text.size(), number);
        {
            const std::lock_guard lock(mutex_);
            if (number < turn) ++counted_.out_of_turn;
            options_.hears(text, begun);
        }
        uint64_t before = highest_;
        while (before < number && !highest_.compare_exchange_weak(before, number)) {
        }
        return {};
    }

    bool connect(host::Descriptor& connection)
    {
        {
            const std::lock_guard lock(mutex_);
            ++counted_.begun;
        }
        connection = connected_to(options_.address, options_.port);
        return static_cast<bool>(connection);
    }

    static bool is_whole(const std::string& text)
    {
        const size_t blank = text.find("\r\n\r\n");
        return blank != std::string::npos && text.size() > blank + 4 && text.ends_with('\n');
    }

    const Options options_;
    std::atomic<bool> stopping_ = false;
    std::atomic<uint64_t> highest_ = 0;
    std::mutex mutex_;
    Counted counted_;
    Clock::time_point last_answer_;
    std::vector<std::thread> threads_;
};

}  // namespace belay::supervisor
