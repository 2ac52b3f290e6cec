#include "iosxe/ssh_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace belay::lab::iosxe {
namespace {

constexpr size_t most_connections = 64;
constexpr int longest_wait_ms = 200;
/// How long a client that has closed its channel may take to end the connection. A disconnect from here
/// would be an error to it: it may come before the client has done with the channel.
constexpr std::chrono::seconds time_to_leave = std::chrono::seconds(10);

}  // namespace

struct SshServer::Watch {
    int descriptor = -1;
    std::function<void()> ready;
};

struct SshServer::Connection {
    SshServer* server = nullptr;
    ssh_session session = nullptr;
    ssh_channel channel = nullptr;
    ssh_server_callbacks_struct server_callbacks{};
    ssh_channel_callbacks_struct channel_callbacks{};
    std::unique_ptr<Party> party;
    std::string user;
    std::string to_send;
    int rows = 24;
    int refused = 0;
    bool frozen = false;
    bool closing = false;
    bool dead = false;
    std::optional<std::chrono::steady_clock::time_point> leave_by = {};

    int decide(bool granted, const char* name)
    {
        if (granted) {
            user = name;
            return SSH_AUTH_SUCCESS;
        }
        if (++refused >= 12) dead = true;
        return SSH_AUTH_DENIED;
    }

    bool begin(std::optional<std::string> command)
    {
        if (party) return false;
        party = server->opened_({.user = user, .command = std::move(command), .rows = rows});
        return party != nullptr;
    }

    void set_up_server()
    {
        server_callbacks.userdata = this;
        server_callbacks.auth_none_function = [](ssh_session, const char*, void*) -> int {
            return SSH_AUTH_DENIED;
        };
        server_callbacks.auth_password_function = [](ssh_session, const char* name, const char* password,
                                                     void* self) -> int {
            auto& one = *static_cast<Connection*>(self);
            const Logins& logins = one.server->logins_;
            return one.decide(!logins.password.empty() && logins.user == name && logins.password == password,
                              name);
        };
        server_callbacks.auth_pubkey_function = [](ssh_session, const char* name, ssh_key_struct* key,
                                                   char state, void* self) -> int {
            auto& one = *static_cast<Connection*>(self);
            const Logins& logins = one.server->logins_;
            const bool known =
                logins.user == name &&
                std::ranges::any_of(logins.keys, [&](const std::string& line) { return is_key(line, key); });
            // An offer without a signature is asked first, and grants nothing.
            if (state == SSH_PUBLICKEY_STATE_NONE) return known ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
            return one.decide(known && state == SSH_PUBLICKEY_STATE_VALID, name);
        };
        server_callbacks.channel_open_request_session_function = [](ssh_session with,
                                                                    void* self) -> ssh_channel {
            auto& one = *static_cast<Connection*>(self);
            if (one.channel != nullptr) return nullptr;
            one.channel = ssh_channel_new(with);
            one.set_up_channel();
            return one.channel;
        };
        ssh_callbacks_init(&server_callbacks);
        ssh_set_server_callbacks(session, &server_callbacks);
    }

    void set_up_channel()
    {
        channel_callbacks.userdata = this;
        channel_callbacks.channel_data_function = [](ssh_session, ssh_channel, void* data, uint32_t size, int,
                                                     void* self) -> int {
            auto& one = *static_cast<Connection*>(self);
            if (one.party) one.party->receive({static_cast<const char*>(data), size});
            return static_cast<int>(size);
        };
        channel_callbacks.channel_eof_function = [](ssh_session, ssh_channel, void* self) {
            auto& one = *static_cast<Connection*>(self);
            if (one.party) one.party->input_ended();
        };
        channel_callbacks.channel_close_function = [](ssh_session, ssh_channel, void* self) {
            static_cast<Connection*>(self)->leave_by = std::chrono::steady_clock::now() + time_to_leave;
        };
        channel_callbacks.channel_pty_request_function = [](ssh_session, ssh_channel, const char*, int,
                                                            int height, int, int, void* self) -> int {
            static_cast<Connection*>(self)->rows = height;
            return 0;
        };
        channel_callbacks.channel_shell_request_function = [](ssh_session, ssh_channel, void* self) -> int {
            return static_cast<Connection*>(self)->begin(std::nullopt) ? 0 : 1;
        };
        channel_callbacks.channel_exec_request_function = [](ssh_session, ssh_channel, const char* command,
                                                             void* self) -> int {
            return static_cast<Connection*>(self)->begin(std::string(command)) ? 0 : 1;
        };
        ssh_callbacks_init(&channel_callbacks);
        ssh_set_channel_callbacks(channel, &channel_callbacks);
    }
};

SshServer::SshServer(std::string address, HostKey key, Logins logins, Opened opened)
    : address_(std::move(address)),
      key_(std::move(key)),
      logins_(std::move(logins)),
      opened_(std::move(opened)),
      event_(ssh_event_new(), ssh_event_free)
{
}

SshServer::~SshServer()
{
    for (const auto& connection : connections_) forget(*connection);
    listen_for_connections(false);
    while (!watches_.empty()) unwatch(watches_.front()->descriptor);
}

Result<std::unique_ptr<SshServer>> SshServer::make(const std::string& address, int port, HostKey key,
                                                   Logins logins, Opened opened)
{
    std::unique_ptr<SshServer> server(
        new SshServer(address, std::move(key), std::move(logins), std::move(opened)));
    server->port_ = port;
    TRY(server->listen());
    return server;
}

Result<void> SshServer::listen()
{
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<uint16_t>(port_));
    if (inet_pton(AF_INET, address_.c_str(), &name.sin_addr) != 1)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no IPv4 address", address_));
    const std::string doing = fmt::format("cannot listen at {}:{}", address_, port_);
    host::Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (!listener || setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(listener.number(), 16) != 0)
        return std::unexpected(system_error(doing, errno));
    socklen_t size = sizeof name;
    getsockname(listener.number(), reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
    listener_ = std::move(listener);
    listen_for_connections(true);
    return {};
}

void SshServer::listen_for_connections(bool on)
{
    if (on == listening_ || !listener_) return;
    listening_ = on;
    if (!on) {
        ssh_event_remove_fd(event_.get(), listener_.number());
        return;
    }
    ssh_event_add_fd(
        event_.get(), listener_.number(), POLLIN,
        [](socket_t, int, void* self) -> int {
            static_cast<SshServer*>(self)->accept();
            return 0;
        },
        this);
}

void SshServer::accept()
{
    host::Descriptor socket(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket || connections_.size() >= most_connections) return;
    auto connection = std::make_unique<Connection>();
    connection->server = this;
    connection->session = ssh_new();
    ssh_bind bind = ssh_bind_new();
    const bool no = false;
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BANNER, "Cisco-1.25");
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, ssh_key_dup(key_.key()));
    // From here on the session closes the socket.
    const int descriptor = dup(socket.number());
    const bool taken = ssh_bind_accept_fd(bind, connection->session, descriptor) == SSH_OK;
    ssh_bind_free(bind);
    if (!taken) {
        ssh_free(connection->session);
        return;
    }
    connection->set_up_server();
    ssh_set_auth_methods(connection->session, SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY);
    ssh_set_blocking(connection->session, 0);
    // The first step; the event loop does the others.
    ssh_handle_key_exchange(connection->session);
    ssh_event_add_session(event_.get(), connection->session);
    connections_.push_back(std::move(connection));
}

Result<void> SshServer::poll(int milliseconds)
{
    ssh_event_dopoll(event_.get(), std::clamp(milliseconds, 0, longest_wait_ms));
    return {};
}

void SshServer::watch(int descriptor, std::function<void()> ready)
{
    watches_.push_back(std::make_unique<Watch>(Watch{.descriptor = descriptor, .ready = std::move(ready)}));
    ssh_event_add_fd(
        event_.get(), descriptor, POLLIN,
        [](socket_t, int, void* self) -> int {
            static_cast<Watch*>(self)->ready();
            return 0;
        },
        watches_.back().get());
}

void SshServer::unwatch(int descriptor)
{
    ssh_event_remove_fd(event_.get(), descriptor);
    std::erase_if(watches_, [&](const auto& watch) { return watch->descriptor == descriptor; });
}

void SshServer::send(Connection& connection)
{
    if (!connection.party || connection.channel == nullptr) return;
    // libssh takes in what has come while it writes, so that the party may have more to say afterwards.
    for (;;) {
        connection.to_send += connection.party->take_output();
        if (connection.to_send.empty() || connection.closing) break;
        const int sent = ssh_channel_write(connection.channel, connection.to_send.data(),
                                           static_cast<uint32_t>(connection.to_send.size()));
        if (sent == SSH_ERROR) connection.dead = true;
        if (sent <= 0) break;
        connection.to_send.erase(0, static_cast<size_t>(sent));
    }
    const std::optional<int> ended = connection.party->ended();
    if (!ended || !connection.to_send.empty() || connection.closing) return;
    connection.closing = true;
    ssh_channel_request_send_exit_status(connection.channel, *ended);
    ssh_channel_send_eof(connection.channel);
    ssh_channel_close(connection.channel);
}

void SshServer::flush()
{
    for (const auto& connection : connections_) {
        if (connection->frozen) continue;
        if ((ssh_get_status(connection->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0)
            connection->dead = true;
        if (connection->leave_by && *connection->leave_by < std::chrono::steady_clock::now())
            connection->dead = true;
        if (!connection->dead && !connection->leave_by) send(*connection);
        if (connection->dead) forget(*connection);
    }
    std::erase_if(connections_, [](const auto& connection) { return connection->session == nullptr; });
}

void SshServer::forget(Connection& connection)
{
    if (connection.session == nullptr) return;
    if (!connection.frozen) ssh_event_remove_session(event_.get(), connection.session);
    connection.party.reset();
    ssh_disconnect(connection.session);
    ssh_free(connection.session);
    connection.session = nullptr;
}

Result<void> SshServer::set_reach(Reach reach)
{
    if (reach == reach_) return {};
    if (reach == Reach::refuses) {
        listen_for_connections(false);
        listener_.close();
    } else {
        if (!listener_) TRY(listen());
        listen_for_connections(reach == Reach::answers);
    }
    reach_ = reach;
    return {};
}

void SshServer::reset_all()
{
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    for (const auto& connection : connections_) {
        setsockopt(ssh_get_fd(connection->session), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        if (!connection->frozen) ssh_event_remove_session(event_.get(), connection->session);
        connection->frozen = true;
        connection->party.reset();
        ssh_silent_disconnect(connection->session);
        ssh_free(connection->session);
        connection->session = nullptr;
    }
    connections_.clear();
}

void SshServer::freeze_all()
{
    for (const auto& connection : connections_) {
        if (connection->frozen) continue;
        ssh_event_remove_session(event_.get(), connection->session);
        connection->frozen = true;
    }
}

void SshServer::thaw(bool resume)
{
    if (!resume) {
        std::list<std::unique_ptr<Connection>> others;
        for (auto& connection : connections_)
            if (!connection->frozen) others.push_back(std::move(connection));
        std::erase(connections_, nullptr);
        reset_all();
        connections_ = std::move(others);
        return;
    }
    for (const auto& connection : connections_) {
        if (!connection->frozen) continue;
        ssh_event_add_session(event_.get(), connection->session);
        connection->frozen = false;
    }
}

}  // namespace belay::lab::iosxe
