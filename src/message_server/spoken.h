#pragma once
// The socket at which applications say what happens, a line each (spoken_line.h). It is read as fast as it
// comes: what is too much is dropped, and nobody who speaks waits for a disk unless he asks to.

#include "message_server/keeper.h"
#include "message_server/line_rules.h"
#include "message_server/lines.h"
#include "message_server/speakers.h"
#include "site/loop.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>

namespace belay::message_server {

/// Listens for anybody on this machine. Errors: usage (the path is too long), those of the system.
Result<host::Descriptor> listen_for_speakers(const std::string& path);

/// Threads: that of the loop. The others outlive it.
class Spoken {
  public:
    static constexpr size_t most_connections = 1024;
    static constexpr size_t most_of_one = 64;

    Spoken(site::Loop& loop, Keeper& keeper, Speakers& speakers, host::Descriptor listener)
        : loop_(loop), keeper_(keeper), speakers_(speakers), listener_(std::move(listener))
    {
    }
    ~Spoken();
    Spoken(const Spoken&) = delete;
    Spoken& operator=(const Spoken&) = delete;

    /// Errors: those of epoll.
    Result<void> open();
    /// Threads: any.
    size_t connections() const { return count_; }
    /// What was not asked to be kept, by the log levels of applications. Threads: any.
    uint64_t not_wanted() const { return not_wanted_; }
    /// Who speaks may be called otherwise now.
    void described_anew();
    /// What messages say that say only an id, from now on.
    void know(std::shared_ptr<const Texts> texts) { texts_ = std::move(texts); }

  private:
    class Talk;
    void accept_all();
    void take_in(host::Descriptor socket);
    void end(uint64_t id);

    site::Loop& loop_;
    Keeper& keeper_;
    Speakers& speakers_;
    host::Descriptor listener_;
    site::Loop::WatchId listening_ = 0;
    std::shared_ptr<const Texts> texts_ = std::make_shared<const Texts>();
    LineRoom room_;
    std::map<uint64_t, std::unique_ptr<Talk>> talks_;
    std::map<std::string, size_t> of_speaker_;  ///< how many connections
    std::unique_ptr<char[]> buffer_;
    uint64_t last_id_ = 0;
    std::atomic<uint64_t> not_wanted_ = 0;
    std::atomic<size_t> count_ = 0;
    const std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
};

}  // namespace belay::message_server
