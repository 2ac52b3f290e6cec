#pragma once
// For tests: a server that answers as a script says, and worse than any true one.

#include "base/testing/must.h"
#include "host/descriptor.h"

#include <arpa/inet.h>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>

namespace belay::backup {

struct SeenRequest {
    std::string method, path, head;  ///< head: the whole of it, with method and path
    std::string body;
};

/// One request that was read, and the line back.
struct Exchange {
    const SeenRequest& request;
    int socket;
    bool keeps_open = false;  ///< the next request may come by the same connection
    bool hangs = false;       ///< the connection stays, and nothing more is said

    /// False when nobody listens any more.
    bool sends(std::string_view text) const
    {
        while (!text.empty()) {
            const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            text.remove_prefix(static_cast<size_t>(count));
        }
        return true;
    }
    /// Status line and fields, each as "Name: value".
    void sends_head(std::string_view status, const std::vector<std::string>& fields) const
    {
        std::string head = fmt::format("HTTP/1.1 {}\r\n", status);
        for (const std::string& field : fields) head += field + "\r\n";
        sends(head + "\r\n");
    }
    void answers(std::string_view status, std::string_view body = {},
                 std::vector<std::string> fields = {}) const
    {
        fields.push_back(fmt::format("Content-Length: {}", body.size()));
        if (!keeps_open) fields.emplace_back("Connection: close");
        sends_head(status, fields);
        sends(body);
    }
};

struct Script {
    std::function<void(Exchange&)> act;
    bool reads_body = true;
};

/// An answer with a body that fits.
inline Script answer(const std::string& status, const std::string& body = {},
                     const std::vector<std::string>& fields = {})
{
    return {[=](Exchange& exchange) { exchange.answers(status, body, fields); }};
}
/// Reads the request and says nothing more.
inline Script cut()
{
    return {[](Exchange&) {}};
}
inline Script hang(bool reads_body)
{
    return {[](Exchange& exchange) { exchange.hangs = true; }, reads_body};
}
/// A HEAD of a file of that size.
inline Script has(size_t size)
{
    return {[=](Exchange& exchange) {
        exchange.sends_head("200 OK", {fmt::format("Content-Length: {}", size), "Connection: close"});
    }};
}

/// Plays one script for each request, in the order in which they come, one at a time; those beyond the last
/// are answered 418.
class ScriptedServer {
  public:
    explicit ScriptedServer(std::vector<Script> scripts, bool listens = true) : scripts_(std::move(scripts))
    {
        listener_ = host::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(listener_.number() >= 0);
        sockaddr_in address{
            .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
        socklen_t length = sizeof address;
        auto* as_any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_.number(), as_any, length) == 0);
        REQUIRE(::getsockname(listener_.number(), as_any, &length) == 0);
        port_ = ntohs(address.sin_port);
        ends_ = host::Descriptor(::eventfd(0, EFD_CLOEXEC));
        if (listens) listen();
    }
    ~ScriptedServer()
    {
        const uint64_t one = 1;
        CHECK(::write(ends_.number(), &one, sizeof one) == sizeof one);
        if (thread_.joinable()) thread_.join();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    /// Before this, connections are refused.
    void listen()
    {
        REQUIRE(::listen(listener_.number(), 64) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    std::string url() const { return fmt::format("http://127.0.0.1:{}/", port_); }

    std::vector<SeenRequest> seen() const
    {
        const std::lock_guard lock(mutex_);
        return seen_;
    }
    /// "POST HEAD POST".
    std::string methods() const
    {
        std::string all;
        for (const SeenRequest& request : seen()) all += (all.empty() ? "" : " ") + request.method;
        return all;
    }
    size_t connections() const
    {
        const std::lock_guard lock(mutex_);
        return connections_;
    }

  private:
    /// False at the end of the test.
    bool wait_for(int descriptor) const
    {
        pollfd entries[2] = {{.fd = descriptor, .events = POLLIN, .revents = 0},
                             {.fd = ends_.number(), .events = POLLIN, .revents = 0}};
        ::poll(entries, 2, 60'000);
        return entries[0].revents != 0 && entries[1].revents == 0;
    }
    void serve()
    {
        while (wait_for(listener_.number())) {
            host::Descriptor connection(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
            {
                const std::lock_guard lock(mutex_);
                ++connections_;
            }
            std::string unread;
            while (serve_one(connection, unread)) {
            }
        }
    }
    /// Whether another request may come by this connection.
    bool serve_one(host::Descriptor& connection, std::string& unread)
    {
        const auto reads = [&] {
            char buffer[65536];
            if (!wait_for(connection.number())) return false;
            const ssize_t count = ::recv(connection.number(), buffer, sizeof buffer, 0);
            if (count > 0) unread.append(buffer, static_cast<size_t>(count));
            return count > 0;
        };
        size_t end = 0;
        while ((end = unread.find("\r\n\r\n")) == std::string::npos)
            if (!reads()) return false;
        SeenRequest request;
        request.head = unread.substr(0, end + 4);
        const size_t first = request.head.find(' '), second = request.head.find(' ', first + 1);
        request.method = request.head.substr(0, first);
        request.path = request.head.substr(first + 1, second - first - 1);
        unread.erase(0, end + 4);
        const Script script = next_script();
        const size_t field = request.head.find("Content-Length: ");
        const size_t length = field == std::string::npos ? 0 : std::stoul(request.head.substr(field + 16));
        while (script.reads_body && unread.size() < length)
            if (!reads()) break;
        request.body = unread.substr(0, length);
        unread.erase(0, request.body.size());
        {
            const std::lock_guard lock(mutex_);
            seen_.push_back(request);
        }
        Exchange exchange{.request = request, .socket = connection.number()};
        script.act(exchange);
        if (exchange.hangs) hanging_.push_back(std::move(connection));
        return exchange.keeps_open;
    }
    Script next_script()
    {
        const std::lock_guard lock(mutex_);
        return seen_.size() < scripts_.size() ? scripts_[seen_.size()] : answer("418 Beyond The Script");
    }

    std::vector<Script> scripts_;
    host::Descriptor listener_, ends_;
    uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::vector<SeenRequest> seen_;
    size_t connections_ = 0;
    std::vector<host::Descriptor> hanging_;
    std::thread thread_;
};

}  // namespace belay::backup
