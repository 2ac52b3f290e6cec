#pragma once
// One watch on etcd: a thread that reads its stream, and begins another where the last revision was delivered
// when the stream breaks.

#include "store/etcd/client.h"
#include "store/etcd/layout.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace belay::store {

class EtcdWatch : public Watch {
  public:
    /// Delivers what changes under `prefix` after `since`. Comes back once etcd follows. Errors: unavailable.
    static Result<std::unique_ptr<Watch>> begin(Client& client, const Layout& layout, std::string_view prefix,
                                                Revision since);
    ~EtcdWatch() override;
    EtcdWatch(const EtcdWatch&) = delete;
    EtcdWatch& operator=(const EtcdWatch&) = delete;

    Result<std::vector<Change>> next(std::chrono::milliseconds patience) override;
    void interrupt() override;

  private:
    EtcdWatch(Client& client, const Layout& layout, std::string_view prefix, Revision since);

    void run();
    /// Reads one stream to its end, and says why it ended.
    Error follow(WatchStream& stream);
    Result<void> take_in(etcd::WatchResponse& response);
    void note(Change change);
    std::vector<Change> take_oldest();
    /// Nobody can be reached since the time of that, and the caller has waited for as long as a call may
    /// take.
    Deadline gives_up_at(Deadline entered) const;

    Client& client_;
    const Layout& layout_;
    etcd::WatchCreateRequest request_;    // of the thread
    std::vector<etcd::Event> fragments_;  // of revisions that are not whole yet; of the thread
    Revision delivered_;                  // up to which nothing is missing; of the thread
    int silences_ = 0;                    // in a row, of etcd; of the thread

    std::mutex mutex_;
    std::condition_variable news_;
    // The latest state of each key that has changed, and the keys by their revision (they are those of the
    // map).
    std::map<std::string, Change, std::less<>> by_key_;
    std::set<std::pair<Revision, std::string_view>> by_revision_;
    WatchStream* stream_ = nullptr;
    bool follows_ = false;
    bool interrupted_ = false;
    bool ending_ = false;
    std::optional<Error> failure_;  // for good
    struct Outage {
        Error error;
        Deadline since;
    };
    std::optional<Outage> outage_;

    std::thread thread_;
};

}  // namespace belay::store
