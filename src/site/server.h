#pragma once
// The daemon's side of the local socket: connections, limits, who may do what. What the methods mean is not
// known here.
//
// One thread, the loop's, reads and writes all sockets and never waits for one of them; a method runs in a
// thread of its own. So a message that is half sent, and a reader that is slow, hold up nobody else.
//
// A stream is a method that is called again after each change of its topic, at most ten times a second, and
// only when its last answer was taken by the socket: a slow reader gets the newest state, and nothing piles
// up.

#include "site/connection.h"

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace belay::site {

/// Threads: that of the loop, but for changed(). The loop and the workers outlive it.
class Server {
  public:
    static constexpr size_t max_connections = 64;

    /// Serves the connections of a listening socket.
    static Result<std::unique_ptr<Server>> open(Loop& loop, Workers& workers, host::Descriptor listener,
                                                std::vector<Method> methods);
    ~Server();

    const Methods& methods() const { return methods_; }

    /// The topic has changed: streams that follow it get a new answer. Threads: any.
    void changed(const std::string& topic);

    /// Takes no more connections and no more requests. Requests under way are still answered; streams end.
    void stop();

  private:
    Server(Loop& loop, Workers& workers) : loop_(loop), workers_(workers) {}
    void accept_all();
    void take_in(host::Descriptor socket);
    bool make_room();
    void tell_streams();

    Loop& loop_;
    Workers& workers_;
    host::Descriptor listener_;
    Loop::WatchId listening_ = 0;
    Methods methods_;
    std::map<uint64_t, std::unique_ptr<Connection>> connections_;
    uint64_t last_id_ = 0;
    std::mutex changed_mutex_;
    std::set<std::string> changed_;
};

}  // namespace belay::site
