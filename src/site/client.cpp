#include "site/client.h"

#include "site/local_socket.h"
#include "site/starter.h"
#include "site/wire.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace belay::site {
namespace {

/// How long a daemon that another one starts, or that ends, is waited for.
constexpr Milliseconds patience = std::chrono::seconds(5);
constexpr Milliseconds longest_pause = std::chrono::milliseconds(200);

class SocketClient : public Client {
  public:
    SocketClient(std::string path, host::Descriptor socket, host::Descriptor interrupted)
        : path_(std::move(path)), socket_(std::move(socket)), interrupted_(std::move(interrupted))
    {
    }

    Result<Json> call(std::string_view method, const Json& parameters) override
    {
        TRY(send({std::string(method), parameters, false}));
        const auto message = TRY(receive(Interruptible::no));
        return TRY(parse_answer(*message)).parameters;
    }

    Result<void> stream(std::string_view method, const Json& parameters,
                        const std::function<bool(const Json&)>& each) override
    {
        TRY(send({std::string(method), parameters, true}));
        while (true) {
            const auto message = TRY(receive(Interruptible::yes));
            if (!message) break;
            const Answer answer = TRY(parse_answer(*message));
            if (!each(answer.parameters)) {
                if (!answer.continues) return {};
                break;
            }
            if (!answer.continues) return {};
        }
        // The way to stop a stream is to hang up; the next question connects anew.
        hang_up();
        return {};
    }

    void interrupt() override { eventfd_write(interrupted_.number(), 1); }

  private:
    enum class Interruptible { no, yes };

    Error gone() const
    {
        return Error{.kind = ErrorKind::unavailable,
                     .what = fmt::format("belayd at {} has hung up", path_),
                     .next = "the same command again; operations go on by themselves"};
    }

    void hang_up()
    {
        socket_.close();
        framer_ = {};
    }

    Result<void> send(const Request& request)
    {
        if (!socket_) socket_ = TRY(connect_to(path_));
        const std::string message = request_message(request);
        std::string_view left = message;
        while (!left.empty()) {
            const ssize_t count = ::send(socket_.number(), left.data(), left.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            // A daemon that hangs up in the middle has said why: that is read next.
            if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
            if (count < 0) return std::unexpected(system_error("talk to belayd", errno));
            left.remove_prefix(static_cast<size_t>(count));
        }
        return {};
    }

    /// The next message; nothing where interrupt() came first.
    Result<std::optional<std::string>> receive(Interruptible interruptible)
    {
        while (true) {
            if (auto message = framer_.take()) return message;
            if (interruptible == Interruptible::yes && TRY(wait_or_interrupt())) return std::nullopt;
            std::array<char, 64 << 10> room;
            const ssize_t count = recv(socket_.number(), room.data(), room.size(), 0);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) {
                hang_up();
                return std::unexpected(gone());
            }
            if (const auto fed = framer_.feed({room.data(), static_cast<size_t>(count)}); !fed) {
                hang_up();
                return std::unexpected(fed.error());
            }
        }
    }

    /// True: interrupted. False: there is something to read.
    Result<bool> wait_or_interrupt()
    {
        std::array<pollfd, 2> both = {pollfd{socket_.number(), POLLIN, 0},
                                      pollfd{interrupted_.number(), POLLIN, 0}};
        while (poll(both.data(), both.size(), -1) < 0) {
            if (errno != EINTR) return std::unexpected(system_error("wait for belayd", errno));
        }
        if (both[1].revents == 0) return false;
        eventfd_t count = 0;
        eventfd_read(interrupted_.number(), &count);
        return true;
    }

    std::string path_;
    host::Descriptor socket_;
    host::Descriptor interrupted_;
    Framer framer_;
};

/// One attempt at a daemon that runs. Errors: not_found and unavailable where there is none.
Result<std::unique_ptr<Client>> greet(const std::string& path)
{
    host::Descriptor socket = TRY(connect_to(path));
    host::Descriptor interrupted(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!interrupted) return std::unexpected(system_error("talk to belayd", errno));
    auto client = std::make_unique<SocketClient>(path, std::move(socket), std::move(interrupted));
    TRY(client->call("Hello", {{"version", BELAY_VERSION}}));
    return client;
}

Error not_running(const ConnectOptions& options)
{
    return Error{.kind = ErrorKind::unavailable,
                 .what = fmt::format("no belayd listens at {}", options.socket),
                 .next = "sudo systemctl start belayd"};
}

Error with_way_on(Error error, const ConnectOptions& options)
{
    if (error.kind == ErrorKind::permission && error.next.empty()) {
        if (error.errno_value == EACCES)
            error.what = fmt::format("no permission to talk to belayd at {}", options.socket);
        error.next = "sudo belay ...";
    }
    return error;
}

}  // namespace

Result<std::unique_ptr<Client>> connect(const ConnectOptions& options)
{
    const auto begun = std::chrono::steady_clock::now();
    Milliseconds pause{10};
    while (true) {
        Result<std::unique_ptr<Client>> client = greet(options.socket);
        if (client) return client;
        const bool nobody =
            client.error().kind == ErrorKind::not_found || client.error().kind == ErrorKind::unavailable;
        if (!nobody) return std::unexpected(with_way_on(client.error(), options));
        if (options.daemon.empty()) return std::unexpected(not_running(options));

        const bool late = std::chrono::steady_clock::now() - begun > patience;
        const Result<void> started = start_daemon({.program = options.daemon,
                                                   .socket = options.socket,
                                                   .state_folder = options.state_folder,
                                                   .gives_way = options.gives_way});
        // Busy: another one has just been started, or is about to end. Both take a moment.
        if (!started && (started.error().kind != ErrorKind::busy || late)) {
            Error error = started.error();
            if (error.kind == ErrorKind::permission && error.next.empty()) error.next = "sudo belay ...";
            return std::unexpected(std::move(error));
        }
        if (started && late) return std::unexpected(not_running(options));
        if (!started) std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, longest_pause);
    }
}

}  // namespace belay::site
