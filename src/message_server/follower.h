#pragma once
// Takes in what the applications of this host print: their supervisor writes it to files, which wait until
// there is room. How far each was taken is kept with the messages, so nothing is twice or missing, whoever
// was killed when.
//
// What is printed is said by nobody in particular, so it is of level trace; a rule may say otherwise
// (line_rules.h), and what meets one is taken in whatever the application's log level. The supervisor's own
// remarks, which have no time, are standard, and meet no rule. Of an application whose log level is less than
// trace, and for which there is no rule, nothing is taken in, and nothing read.

#include "message_server/followed_file.h"
#include "message_server/keeper.h"
#include "message_server/line_rules.h"
#include "message_server/speakers.h"

#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace belay::message_server {

/// Threads: any.
class Follower {
  public:
    /// Errors: those of inotify.
    static Result<std::unique_ptr<Follower>> open(OpenStore& store, Keeper& keeper);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    /// Those whose output is followed from now on.
    void follow(std::vector<DescribedApplication> applications);
    /// The rules that count from now on.
    void know(std::shared_ptr<const Texts> texts);

  private:
    struct Followed {
        DescribedApplication application;
        FollowedFile file;
        bool has_news = true;
        bool is_waiting = false;  ///< for room
        std::string kept_position = {};
        size_t unkept_bytes = 0;  ///< read since then; about
    };

    Follower(OpenStore& store, Keeper& keeper, host::Descriptor changes, host::Descriptor woken)
        : store_(store),
          keeper_(keeper),
          changes_(std::move(changes)),
          woken_(std::make_shared<host::Descriptor>(std::move(woken)))
    {
    }
    void run();
    bool take_wishes();
    bool is_wanted(const DescribedApplication& application) const;
    std::vector<Message> messages_in(const Piece& piece, const DescribedApplication& application) const;
    static bool is_position_due(Followed& followed, const Piece& piece);
    void take_changes();
    void begin(const DescribedApplication& application);
    bool take_piece(Followed& followed);
    void wake() const;

    OpenStore& store_;
    Keeper& keeper_;
    host::Descriptor changes_;
    const std::shared_ptr<host::Descriptor> woken_;  ///< also of who is told that there is room
    std::map<int64_t, Followed> followed_;
    std::shared_ptr<const Texts> texts_ = std::make_shared<const Texts>();
    std::mutex mutex_;
    std::vector<DescribedApplication> wished_;
    std::shared_ptr<const Texts> wished_texts_ = texts_;
    bool has_wishes_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace belay::message_server
