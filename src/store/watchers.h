#pragma once
// The watches of one store: what both local stores share.
//
// A watch remembers which keys have changed and at which revision, not what they became: the state is read
// when it is delivered. So a slow subscriber costs one small note for each key, however often the key
// changes.

#include "store/store.h"

#include <functional>
#include <map>
#include <mutex>
#include <set>

namespace belay::store {

/// Keys and the revision that changed them last.
using Changed = std::map<std::string, Revision, std::less<>>;

/// Threads: all calls but the destructor with the store's mutex held. The watches that it hands out lock the
/// mutex themselves.
class Watchers {
  public:
    /// Reads a key; called with the mutex held.
    using Read = std::function<Result<std::optional<Entry>>(std::string_view key)>;

    Watchers(std::mutex& mutex, Read read);
    ~Watchers();  ///< by now every watch is gone
    Watchers(const Watchers&) = delete;
    Watchers& operator=(const Watchers&) = delete;

    /// A watch that delivers `backlog` first.
    std::unique_ptr<Watch> add(std::string_view prefix, const Changed& backlog);
    /// The key was put or deleted. To be called once the change can be read, in order of revisions.
    void changed(std::string_view key, Revision revision);
    /// Every watch of today answers with this error from now on.
    void fail_all(const Error& error);

  private:
    class Subscription;

    std::mutex& mutex_;
    Read read_;
    std::set<Subscription*> subscriptions_;
};

}  // namespace belay::store
