#pragma once
// One connection of the local socket, from its first byte to its last.
//
// It reads only while it has nothing to do and nothing to write, so what one connection can make the daemon
// keep is one request and one answer. An answer in pieces is one: a piece becomes a message when the one
// before is sent.

#include "site/exchange.h"
#include "site/local_socket.h"
#include "site/wire.h"

#include <memory>
#include <string>

namespace belay::site {

/// Threads: that of the loop. Is destroyed by its owner some time after it has called `ended`, or when the
/// loop has stopped.
class Connection {
  public:
    Connection(Loop& loop, Workers& workers, const Methods& methods, host::Descriptor socket,
               const Peer& peer, Loop::Callback ended);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Begins to serve. Errors: those of epoll.
    Result<void> open();
    void topic_changed(const std::string& topic);
    /// Sends an error and hangs up.
    void refuse(const Error& error);
    /// Ends a stream, takes no more requests, and ends when the answer under way is sent.
    void stop();
    /// Ends now; the answer of a method that runs goes nowhere.
    void hang_up();

    /// A method runs, or a stream goes on. Who takes an answer so slowly that it waits may be hung up on.
    bool at_work() const { return exchange_ && exchange_->is_at_work(); }
    /// When it did something last, on the boot clock.
    Milliseconds quiet_since() const { return quiet_since_; }

  private:
    void ready(uint32_t events);
    void read_some();
    void write_some();
    void go_on();
    void begin(const std::string& message);
    void send(std::string message);
    void close_after_answer();
    void listen_for_events();
    void end();

    Loop& loop_;
    Workers& workers_;
    const Methods& methods_;
    host::Descriptor socket_;
    Caller caller_;
    Loop::Callback ended_;
    Loop::WatchId watch_ = 0;

    Framer framer_;
    std::string out_;
    size_t sent_ = 0;
    bool closing_ = false;  ///< no more is read
    bool going_on_ = false;
    std::shared_ptr<Exchange> exchange_;  ///< null: it waits for a request, or for its answer to be taken
    Milliseconds quiet_since_;
    bool over_ = false;
};

}  // namespace belay::site
