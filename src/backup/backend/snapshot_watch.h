#pragma once
// Who has new snapshots, of many repositories. A media server is asked to answer when there is something new;
// other servers and folders are listed every so often.
//
// Protocol: `GET snapshots/`; from the second time on with `If-None-Match`, as the server's ETag was, and
// `Prefer: wait=50`. The server answers 200 as soon as the list is another than that, or 304 after 50 s, and
// shows by `Preference-Applied: wait=50` that it knows how to wait (RFC 7240, RFC 9110).

#include "backup/backend/http_questions.h"
#include "backup/backend/location.h"
#include "backup/backend/snapshots_seen.h"

namespace belay::backup {

struct WatchPace {
    std::chrono::milliseconds every = std::chrono::seconds(30);  ///< of places that do not wait
    std::chrono::seconds waits{50};                              ///< of servers that do
    std::chrono::milliseconds least = std::chrono::seconds(1);   ///< no server is asked more often
    /// After an error; twice as long after each further one, give or take a quarter.
    std::chrono::milliseconds first_pause = std::chrono::seconds(1);
    std::chrono::milliseconds longest_pause = std::chrono::minutes(5);
    /// An answer that came while wait() was not called for so long is not trusted: the place is asked anew.
    std::chrono::milliseconds longest_absence = std::chrono::seconds(5);
};

/// Threads: one at a time; none of its own.
class SnapshotWatch {
  public:
    using Clock = HttpQuestions::Clock;

    explicit SnapshotWatch(WatchPace pace) : pace_(pace) {}

    /// It is asked at once. `location` and `options`: as open_place(). Errors: usage.
    Result<void> add(const Id& repository, std::string_view location, const PlaceOptions& options);
    void remove(const Id& repository);

    /// What was heard of a repository.
    struct Heard {
        Id repository;
        Result<Id> listing;                       ///< digest_of_listing() of what it has; errors: as list()
        std::chrono::milliseconds again_in = {};  ///< after an error
    };
    /// Waits for the first answers, the same as before among them. There may be none, and are none when
    /// `until` is past or one of `descriptors` can be read. Places are asked while this is called, and not
    /// between.
    std::vector<Heard> wait(std::span<const int> descriptors, Clock::time_point until);

  private:
    struct Place {
        Id repository;
        std::unique_ptr<RestBackend> server;
        std::unique_ptr<Backend> folder;  ///< where there is no server
        SnapshotsSeen seen = {};
        Clock::time_point asked_at = {}, next_at = {};
        bool is_asked = false;
        std::chrono::milliseconds pause{0};  ///< after the last error; 0: there was none
    };
    void ask_anew_after_absence();
    void ask(uint64_t key, Place& place, std::vector<Heard>& heard);
    Heard take(Place& place, Result<SnapshotsSeen> answer);

    WatchPace pace_;
    HttpQuestions questions_;
    std::map<uint64_t, Place> places_;
    uint64_t next_key_ = 0;
    Clock::time_point left_at_ = Clock::now();  ///< when wait() was last left
};

}  // namespace belay::backup
