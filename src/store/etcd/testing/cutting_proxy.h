#pragma once
// For tests: a network between a store and its etcd that breaks where a test wants it. It knows as much of
// HTTP/2 as tells requests and answers from the rest.

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace belay::store {

/// Threads: any.
class CuttingProxy {
  public:
    /// What becomes of the next request that is sent through it.
    enum class Next {
        pass,
        lose_request,    ///< it never reaches etcd, and the connection breaks
        lose_answer,     ///< etcd gets it and answers; the connection breaks before the answer is through
        hold_request,    ///< the connection breaks; etcd gets the request when deliver() says so
        swallow_answer,  ///< etcd gets it, and the connection says nothing more, as all do until another is
                         ///< armed
    };

    /// Forwards to `target`, "127.0.0.1:PORT".
    explicit CuttingProxy(std::string target);
    ~CuttingProxy();
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;

    std::string endpoint() const;
    void arm(Next next);
    bool armed();     ///< no request has met it yet
    void cut();       ///< breaks every connection
    size_t breaks();  ///< connections that were broken by now
    /// Breaks every connection, and each new one, until told otherwise.
    void refuse(bool refuse);
    /// Gives etcd the request that was held, and comes back when etcd has answered it.
    void deliver();

  private:
    /// Follows HTTP/2's frames through bytes that come in any pieces.
    class Frames {
      public:
        explicit Frames(size_t preface) : skip_(preface) {}
        struct Frame {
            size_t at;  ///< where it begins in the piece; 0 where it began in an earlier one
            int type;
            int flags;
        };
        /// The frames whose headers end in this piece.
        std::vector<Frame> feed(std::string_view bytes);
        bool between_frames() const { return skip_ == 0 && header_.empty(); }

      private:
        size_t skip_;
        std::string header_;
    };
    struct Line {
        int client = -1, server = -1;
        Frames requests{24};  // behind the preface of the client
        Frames answers{0};
        bool answer_is_lost = false;
        bool holds = false;  // the request is kept from etcd until it is delivered
        bool held_whole = false;
        std::string held = {};
        bool delivering = false;
    };

    void run();
    void accept_one();
    void obey();
    /// What came from that side; empty: it is gone. False: the line is at its end.
    bool from_client(Line& line, const std::string& bytes);
    bool from_server(Line& line, const std::string& bytes);
    /// What the client sent, from the request on that a test has armed the proxy for.
    bool meet(Line& line, std::string_view bytes, const Frames::Frame& request);
    bool hold(Line& line, std::string_view bytes);
    void break_line(Line& line);

    const std::string target_;
    int listener_ = -1;
    int port_ = 0;
    int wake_ = -1;
    std::mutex mutex_;
    std::condition_variable done_;
    std::list<Line> lines_;
    Next next_ = Next::pass;
    size_t breaks_ = 0;
    bool cutting_ = false;
    bool refusing_ = false;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace belay::store
