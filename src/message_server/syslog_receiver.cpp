// Syslog over TCP or TLS: libcurl makes the connection, and what is sent on it is of syslog_line.h.

#include "framework/configuration/endpoint.h"
#include "framework/messages/outputs/syslog_line.h"
#include "message_server/receivers.h"
#include "site/conversation/conversation.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <thread>

namespace belay::message_server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Milliseconds patience_with_syslog = std::chrono::seconds(10);
/// The kernel tells nobody when the other side has acknowledged the last byte.
constexpr Milliseconds between_looks_at_queue{2};

class SyslogReceiver final : public Receiver {
  public:
    explicit SyslogReceiver(framework::messages::SyslogPlan plan) : plan_(std::move(plan)) {}

    Taken take(std::span<const framework::messages::StoredMessage> messages) override
    {
        std::string frames;
        for (const auto& stored : messages)
            frames += framework::messages::syslog_frame(stored.message, plan_.facility);
        const Result<void> sent = send(frames);
        if (sent) return {.count = messages.size()};
        // What of it has arrived nobody knows.
        connection_.reset();
        return {.problem =
                    fail(sent.error().kind, fmt::format("{}: {}", plan_.server, sent.error().what)).error()};
    }

  private:
    Result<void> send(std::string_view bytes)
    {
        const Clock::time_point until = Clock::now() + patience_with_syslog;
        if (connection_ && is_hung_up()) connection_.reset();
        if (!connection_) TRY(connect());
        while (!bytes.empty()) {
            size_t sent = 0;
            const CURLcode code = ::curl_easy_send(connection_->easy(), bytes.data(), bytes.size(), &sent);
            if (code != CURLE_OK && code != CURLE_AGAIN) return std::unexpected(connection_->error_of(code));
            bytes.remove_prefix(sent);
            if (code == CURLE_AGAIN) TRY(await(POLLOUT, until));
        }
        return await_acknowledgement(until);
    }

    Result<void> connect()
    {
        const auto at = TRY(framework::configuration::parse_endpoint(plan_.server));
        const bool is_ipv6 = at.host.find(':') != std::string::npos;
        const std::string url = fmt::format("{}://{}{}{}:{}", plan_.tls ? "https" : "http",
                                            is_ipv6 ? "[" : "", at.host, is_ipv6 ? "]" : "", at.port);
        auto connection = std::make_unique<site::Conversation>(patience_with_syslog, plan_.ca);
        connection->give(CURLOPT_URL, url.c_str());
        connection->give(CURLOPT_PROTOCOLS_STR, "http,https");
        connection->give(CURLOPT_CONNECT_ONLY, 1L);
        // What is spoken there is no HTTP.
        connection->give(CURLOPT_SSL_ENABLE_ALPN, 0L);
        connection->give(CURLOPT_TCP_KEEPALIVE, 1L);
        TRY(connection->perform());
        connection_ = std::move(connection);
        return {};
    }

    int socket() const
    {
        curl_socket_t number = CURL_SOCKET_BAD;
        ::curl_easy_getinfo(connection_->easy(), CURLINFO_ACTIVESOCKET, &number);
        return number;
    }

    /// A receiver that has restarted has closed it, and says so before anything is sent.
    bool is_hung_up() const
    {
        pollfd wait{.fd = socket(), .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, 0) == 0) return false;
        char byte = 0;
        size_t got = 0;
        const CURLcode code = ::curl_easy_recv(connection_->easy(), &byte, 1, &got);
        return (code != CURLE_OK && code != CURLE_AGAIN) || (code == CURLE_OK && got == 0);
    }

    Result<void> await(short what, Clock::time_point until) const
    {
        const auto left = std::chrono::duration_cast<Milliseconds>(until - Clock::now());
        pollfd wait{.fd = socket(), .events = what, .revents = 0};
        if (left > Milliseconds(0) && ::poll(&wait, 1, static_cast<int>(left.count())) > 0) return {};
        return fail(ErrorKind::timeout,
                    fmt::format("it takes nothing for {}", to_text(patience_with_syslog)));
    }

    Result<void> await_acknowledgement(Clock::time_point until) const
    {
        while (true) {
            int unacknowledged = 0;
            if (::ioctl(socket(), SIOCOUTQ, &unacknowledged) != 0)
                return std::unexpected(system_error("ask for what is sent", errno));
            if (unacknowledged == 0) break;
            if (Clock::now() > until)
                return fail(ErrorKind::timeout,
                            fmt::format("it acknowledges nothing for {}", to_text(patience_with_syslog)));
            std::this_thread::sleep_for(between_looks_at_queue);
        }
        // A reset empties the queue as well.
        if (is_hung_up()) return fail(ErrorKind::unavailable, "it has closed the connection");
        return {};
    }

    const framework::messages::SyslogPlan plan_;
    std::unique_ptr<site::Conversation> connection_;
};

}  // namespace

std::unique_ptr<Receiver> make_syslog_receiver(const framework::messages::SyslogPlan& plan)
{
    return std::make_unique<SyslogReceiver>(plan);
}

}  // namespace belay::message_server
