#pragma once
// One question on its way to its last answer, whatever carries it.
//
// The method runs in a thread of its own; everything else happens in the loop's. Whoever carries the answers
// says when one was taken: only then the next is made, and at most ten a second of a stream. So a slow reader
// gets the newest state, and nothing piles up.

#include "site/loop.h"
#include "site/method.h"
#include "site/workers.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace belay::site {

/// Threads: that of the loop. The methods, the loop and the workers outlive it and the method that it runs.
class Exchange : public std::enable_shared_from_this<Exchange> {
  public:
    static constexpr Milliseconds between_answers = std::chrono::milliseconds(100);

    /// Called for each answer; `continues`: another may follow.
    using Answered = std::function<void(const Result<Json>& answer, bool continues)>;

    Exchange(Loop& loop, Workers& workers, const Method& method, Call call, Answered answered);

    /// To be called once. An answer may come before it returns.
    void begin();
    /// The last answer is on its way: there is room for the next. May bring it at once.
    void taken();
    /// Something has changed; if it is the topic of this stream, its method is asked anew.
    void topic_changed(const std::string& topic);
    /// Streams end: an answer under way still comes, and none after it.
    void settle();
    /// Nobody wants answers any more. A method that runs ends by itself.
    void cancel();

    bool is_over() const { return doing_ == Doing::over; }
    /// A method runs, or a stream goes on.
    bool is_at_work() const { return doing_ == Doing::running || doing_ == Doing::following; }

  private:
    enum class Doing {
        running,    ///< the method runs
        following,  ///< a stream waits for its topic to change
        sending,    ///< an answer goes out piece by piece
        over,
    };

    void run();
    void take_reply(const Result<Reply>& reply);
    void follow();
    void send_piece();
    void give(const Result<Json>& answer, Doing then);

    Loop& loop_;
    Workers& workers_;
    const Method& method_;
    const Call call_;
    Answered answered_;
    Doing doing_ = Doing::running;
    bool taken_ = false;
    bool settled_ = false;
    bool changed_ = false;  ///< the topic, since the method was last called
    std::string topic_;
    Milliseconds answered_at_{0};
    std::optional<Loop::TimerId> pause_;
    std::function<std::optional<Json>()> rest_;
    std::optional<Json> piece_;  ///< the next one; it is fetched ahead, to know the last one
};

}  // namespace belay::site
