#include "site/server.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace belay::site {

Result<std::unique_ptr<Server>> Server::open(Loop& loop, Workers& workers, host::Descriptor listener,
                                             std::vector<Method> methods)
{
    std::unique_ptr<Server> server(new Server(loop, workers));
    for (Method& method : methods) server->methods_.emplace(method.name, method);
    server->listener_ = std::move(listener);
    Server* self = server.get();
    server->listening_ =
        TRY(loop.watch(server->listener_.number(), EPOLLIN, [self](uint32_t) { self->accept_all(); }));
    return server;
}

Server::~Server()
{
    loop_.forget(listening_);
}

void Server::accept_all()
{
    while (true) {
        host::Descriptor socket(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket) {
            take_in(std::move(socket));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        // Without room for another descriptor the one who waits would be reported for ever: give up a quiet
        // one.
        if ((errno == EMFILE || errno == ENFILE) && make_room()) continue;
        return;
    }
}

void Server::take_in(host::Descriptor socket)
{
    const Result<Peer> peer = peer_of(socket.number());
    if (!peer) return;
    const bool room = connections_.size() < max_connections || make_room();
    const uint64_t id = ++last_id_;
    auto connection =
        std::make_unique<Connection>(loop_, workers_, methods_, std::move(socket), *peer,
                                     // Not at once: it is the connection itself that says so.
                                     [this, id] { loop_.post([this, id] { connections_.erase(id); }); });
    if (!connection->open()) return;
    Connection& taken = *connections_.emplace(id, std::move(connection)).first->second;
    if (!room)
        taken.refuse(Error{.kind = ErrorKind::busy,
                           .what = fmt::format("belayd serves {} connections already", max_connections),
                           .next = "the same command, a little later"});
}

/// Hangs up on the connection that has been quiet longest. False: all of them are at work.
bool Server::make_room()
{
    const auto quieter = [](const auto& one, const auto& other) {
        if (one.second->at_work() != other.second->at_work()) return !one.second->at_work();
        return one.second->quiet_since() < other.second->quiet_since();
    };
    const auto quietest = std::ranges::min_element(connections_, quieter);
    if (quietest == connections_.end() || quietest->second->at_work()) return false;
    connections_.erase(quietest);
    return true;
}

void Server::changed(const std::string& topic)
{
    {
        const std::lock_guard lock(changed_mutex_);
        const bool told = !changed_.empty();
        changed_.insert(topic);
        if (told) return;
    }
    loop_.post([this] { tell_streams(); });
}

void Server::tell_streams()
{
    std::set<std::string> topics;
    {
        const std::lock_guard lock(changed_mutex_);
        topics.swap(changed_);
    }
    for (const std::string& topic : topics) {
        for (const auto& [id, connection] : connections_) connection->topic_changed(topic);
    }
}

void Server::stop()
{
    loop_.forget(listening_);
    listener_.close();
    for (const auto& [id, connection] : connections_) connection->stop();
}

}  // namespace belay::site
