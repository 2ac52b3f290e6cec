#pragma once
// Between those who speak and the store: a thread that takes what was said in batches and has each kept
// before the next. Who speaks does not wait for it; who asked to be told is told when it is on the disk.

#include "base/json.h"
#include "message_server/intake.h"
#include "message_server/open_store.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

namespace belay::message_server {

/// The clocks that a keeper goes by.
Milliseconds wall_now();

/// Threads: any, but for stop(), which is called once. The store outlives it.
class Keeper {
  public:
    struct Options {
        IntakeLimits limits = {};
        std::string host = {};                              ///< what this machine is called, until host_is()
        std::function<void(const std::string&)> said = {};  ///< of trouble, for the log
        std::function<void()> heard = [] {};                ///< heard() has changed; called in any thread
    };

    Keeper(OpenStore& store, Options options);
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    /// False: dropped, and counted. Never waits for the disk.
    bool offer(const Speaker& speaker, Message message);
    void put(const Speaker& speaker, Group group);
    /// Calls when all that this speaker has said before is on the disk.
    void when_kept(const Speaker& speaker, std::function<void()> kept);
    void count_dropped(const Speaker& speaker, Level level);
    bool has_room(const std::string& speaker) const;
    /// Belay's own; never dropped, so not for what others can cause at will.
    void say(Message message);

    void host_is(const std::string& name);
    std::string host() const;

    /// What heard() looks at from now on.
    void listen_for(const std::vector<EventId>& ids);
    struct Heard {
        uint64_t newest = 0;  ///< no message after it was kept since it listens that has one of the ids
        std::optional<std::string> problem = {};  ///< why no message can be kept now
    };
    Heard heard() const;

    /// Waits until all that this speaker has said before is on the disk, at most so long. Whether it is.
    bool await_kept(const Speaker& speaker, Milliseconds limit);

    /// Waits until something newer than `number` is kept, or until it is stopped and woken, at most so long.
    /// Whether it is.
    bool await_newer(uint64_t number, Milliseconds limit, const std::stop_token& stop = {});
    void wake_waiters();
    /// Nobody waits any more.
    void let_go_of_waiters();
    /// {waiting_bytes, waiting_ms, kept, dropped: {level: count}, dropped_by: {speaker: count}, problem}.
    Json status() const;

    /// Lets go of what is too old, and says what was found damaged. Some seconds.
    void look_after_store();

    /// What waits is kept where the store takes it; then it ends.
    void stop();

  private:
    void run();
    void keep(std::vector<Group> batch);
    bool append(const std::vector<Message>& messages, const std::vector<Position>& positions);
    bool try_to_append(const std::vector<Message>& messages, const std::vector<Position>& positions);
    void failed(const Error& error);
    void works_again(const std::string& reason, Milliseconds since);
    std::unique_lock<std::mutex> await_work();
    Milliseconds now() const;

    OpenStore& store_;
    const Options options_;
    mutable std::mutex mutex_;
    std::condition_variable work_, kept_;
    Intake intake_;
    std::string host_;
    uint64_t kept_count_ = 0;
    std::set<EventId> listened_for_;
    uint64_t heard_ = 0;
    std::optional<std::string> problem_;
    Milliseconds failing_since_{0};  ///< wall clock
    bool stopping_ = false, is_let_go_ = false;
    std::thread thread_;
};

}  // namespace belay::message_server
