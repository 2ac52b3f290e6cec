#pragma once
// One connection of the local socket, from its first byte to its last.
//
// It reads only while it has nothing to do and nothing to write, so what one connection can make the daemon
// keep is one request and one answer. An answer in pieces is one: a piece becomes a message when the one
// before is sent.

#include "base/json.h"
#include "site/local_socket.h"
#include "site/wire.h"
#include "site/workers.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace belay::site {

/// One question, as a method gets it.
struct Call {
    Json parameters = Json::object();
    bool more = false;
    Peer peer = {};
    bool may_change = false;  ///< the peer may change things
};

/// What a method answers. With a topic the stream goes on: the method is called again when that has changed.
/// Without one this was the last answer, unless `rest` brings more. Both are ignored where the caller did not
/// ask for more.
struct Reply {
    Json parameters = Json::object();
    std::string topic = {};
    /// The next piece of an answer that is too long for one message; nothing: the one before was the last.
    /// Called in the loop's thread whenever the piece before is on its way, so it must be quick.
    std::function<std::optional<Json>()> rest = nullptr;
};

enum class Access { look, change };

/// The answer to somebody who may only look.
Error not_allowed(const Peer& peer);

struct Method {
    std::string name;
    Access access = Access::look;
    std::function<Result<Reply>(const Call&)> answer;  ///< called in any thread, many at the same time
};

using Methods = std::map<std::string, Method, std::less<>>;

/// Threads: that of the loop. Is destroyed by its owner some time after it has called `ended`, or when the
/// loop has stopped and the workers are idle.
class Connection {
  public:
    static constexpr Milliseconds between_answers = std::chrono::milliseconds(100);

    Connection(Loop& loop, Workers& workers, const Methods& methods, host::Descriptor socket, Peer peer,
               Loop::Callback ended);
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
    /// Ends now, unless a method runs: then when that has ended, without an answer.
    void hang_up();

    /// A method runs, or a stream goes on. Who takes an answer so slowly that it waits may be hung up on.
    bool at_work() const { return doing_ == Doing::running || doing_ == Doing::following; }
    /// When it did something last, on the boot clock.
    Milliseconds quiet_since() const { return quiet_since_; }

  private:
    enum class Doing {
        reading,    ///< waits for a request, or for its answer to be taken
        running,    ///< a method runs
        following,  ///< a stream waits for its topic to change
        sending,    ///< an answer goes out piece by piece
    };
    struct Running {
        const Method* method;
        Call call;
    };

    void ready(uint32_t events);
    void read_some();
    void write_some();
    void go_on();
    void begin(const std::string& message);
    void run();
    void take_reply(const Result<Reply>& reply);
    void follow();
    void send_piece();
    void send(std::string message);
    void close_after_answer();
    void listen_for_events();
    void end();

    Loop& loop_;
    Workers& workers_;
    const Methods& methods_;
    host::Descriptor socket_;
    Peer peer_;
    Loop::Callback ended_;
    Loop::WatchId watch_ = 0;

    Doing doing_ = Doing::reading;
    Framer framer_;
    std::string out_;
    size_t sent_ = 0;
    bool closing_ = false;   ///< no more is read
    bool stopping_ = false;  ///< the daemon ends
    std::optional<Running> running_;
    std::string topic_;
    std::function<std::optional<Json>()> rest_;
    std::optional<Json> piece_;  ///< the next one; it is fetched ahead, to know the last one
    bool changed_ = false;       ///< the topic, since the last answer was asked for
    Milliseconds answered_{0};
    std::optional<Loop::TimerId> pause_;
    Milliseconds quiet_since_;
    bool over_ = false;
};

}  // namespace belay::site
