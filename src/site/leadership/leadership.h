#pragma once
// Which of several controllers leads a site: the one whose key stands in the store, under a lease that it
// keeps alive. All others wait for that key to go.
//
//   site/leader    {host, addresses, since_ms}, under the leader's lease
//
// The term of a leader is the revision that created its key; FencedStore holds every commit to it. A leader
// that cannot keep its lease says so when its time is up by its own clock, or a few seconds later where a
// call to the store hangs: what keeps it from doing harm until then is the fence, and that each member
// listens to one controller at a time.

#include "base/units.h"
#include "store/store.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace belay::site {

inline constexpr const char* leader_key = "site/leader";

struct Leader {
    std::string host = {};
    std::vector<std::string> addresses = {};  ///< HOST:PORT, where it listens
    Milliseconds since{0};                    ///< wall clock
};

struct LeadershipOptions {
    Leader self;                                          ///< `since` is filled in
    Milliseconds time_to_live = std::chrono::seconds(5);  ///< of the lease
    std::function<Milliseconds()> wall;                   ///< the wall clock now
    std::string take_from = {};  ///< the host that loses the lead to this one, once, where it has it
    // Called in a thread of its own, one at a time.
    std::function<void(store::Revision term)> won;
    std::function<void()> lost;
    std::function<void(const Leader&)> another_leads;
};

/// Whether the lead may be taken from this host: it has it, or nobody has. Errors: refused, with the name of
/// the one that leads; those of the store. Threads: any.
Result<void> check_leader(store::Store& store, std::string_view host);

/// Threads: start() and stop() by one at a time. The store outlives it.
class Leadership {
  public:
    Leadership(store::Store& store, LeadershipOptions options);
    ~Leadership();
    Leadership(const Leadership&) = delete;
    Leadership& operator=(const Leadership&) = delete;

    void start();
    /// Hands the lead over at once, where it has it, and comes back when its thread has ended.
    void stop();

  private:
    void run();
    Result<void> stand();
    /// The one that loses it finds its key gone; its commits are refused from that moment on.
    Result<void> take_lead();
    bool still_leads(store::Revision term);
    void lead(store::LeaseId lease, store::Revision term, std::chrono::steady_clock::time_point asked);
    Result<void> follow();
    /// False: it was told to stop.
    bool wait(Milliseconds span);
    bool is_stopped();

    store::Store& store_;
    const LeadershipOptions options_;
    bool taken_ = false;  ///< what is to be taken; only its thread touches it
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable stopped_changed_;
    bool stopped_ = false;
    std::shared_ptr<store::Watch> watch_;
};

}  // namespace belay::site
