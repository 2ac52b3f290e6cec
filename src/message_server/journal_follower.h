#pragma once
// Takes in what programs log by syslog(3) or to systemd's journal: journald is who listens at /dev/log, and
// knows from the kernel who has spoken. How far its journal was taken is kept with the messages, so nothing
// is twice or missing, whoever was killed when; it waits in there until there is room. What journald itself
// lets go of before it was taken is said.
//
// Nothing is read, and nobody woken, where the configuration wants nothing of it, or where there is no
// application whose entries it might have.

#include "message_server/journal_reader.h"
#include "message_server/keeper.h"
#include "message_server/line_rules.h"
#include "message_server/speakers.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace belay::message_server {

/// Threads: any.
class JournalFollower {
  public:
    /// All of it outlives this. Errors: those of the system.
    static Result<std::unique_ptr<JournalFollower>> open(OpenStore& store, Keeper& keeper,
                                                         Speakers& speakers);
    ~JournalFollower();
    JournalFollower(const JournalFollower&) = delete;
    JournalFollower& operator=(const JournalFollower&) = delete;

    /// Whose entries are taken from now on; the speakers have been told already. Where nothing is wanted,
    /// what comes meanwhile is not taken later either.
    void follow(const Described& described);
    /// The rules that count from now on. Nothing is read before the first.
    void know(std::shared_ptr<const Texts> texts);
    /// Null: nothing is wanted of it. {read, taken, not_wanted, lost, problem}: since this program has begun;
    /// null, or why it is not read, where all of it is wanted.
    Json status() const;

  private:
    JournalFollower(OpenStore& store, Keeper& keeper, Speakers& speakers, host::Descriptor woken)
        : store_(store),
          keeper_(keeper),
          speakers_(speakers),
          woken_(std::make_shared<host::Descriptor>(std::move(woken)))
    {
    }
    void run();
    bool take_wishes();
    bool begin();
    void forget();
    void remember(Group group);
    void remember_groups();
    bool take_piece();
    void take_entry(Group& group);
    void tell_of_loss(Group& group);
    std::string user_of(const JournalEntry& entry);
    void sleep(bool goes_on);
    void wake() const;
    void has_problem(std::string problem);

    OpenStore& store_;
    Keeper& keeper_;
    Speakers& speakers_;
    const std::shared_ptr<host::Descriptor> woken_;  ///< also of who is told that there is room

    mutable std::mutex mutex_;  ///< of what others ask for or are told
    std::optional<SyslogIn> wished_;
    std::shared_ptr<const Texts> wished_texts_;
    std::string problem_;
    bool stopping_ = false;
    std::atomic<uint64_t> read_ = 0, taken_ = 0, not_wanted_ = 0, lost_ = 0;

    // Of its thread alone:
    SyslogIn wanted_ = SyslogIn::none;
    std::shared_ptr<const Texts> texts_;
    std::unique_ptr<JournalReader> reader_;
    host::Descriptor awaited_;  ///< where there is none: tells that there may be
    bool must_begin_ = false, is_waiting_ = false, is_settling_ = false;
    bool is_forgotten_ = false;  ///< where it was before counts no more
    size_t unkept_ = 0;          ///< entries that were passed since a position was kept
    std::string kept_groups_;    ///< where the groups of the applications are, as it was kept
    std::map<std::string, std::string, std::less<>> users_;
    std::thread thread_;
};

}  // namespace belay::message_server
