#pragma once
// What the controller of a site hears of its hosts for the alarms: each is asked, and its answer waits here
// until it is taken. A host has one question of a kind at a time, so one that has much to tell costs no more
// than another.

#include "base/json.h"
#include "base/units.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace belay::daemon {

class Place;

/// Threads: any.
class SiteEvents {
  public:
    /// What a host is asked.
    enum class About { events, storage };
    struct Answer {
        std::string host;
        About about = About::events;
        Result<Json> told;
    };

    /// `more`: an answer has come; called in any thread, and not after this has ended.
    explicit SiteEvents(std::function<void()> more);
    ~SiteEvents();
    SiteEvents(const SiteEvents&) = delete;
    SiteEvents& operator=(const SiteEvents&) = delete;

    /// It is not asked that already, its answer was taken, and the last one was no error of a moment ago.
    bool may_ask(const std::string& host, About about) const;
    void ask(Place& place, const std::string& host, About about, const Json& parameters);
    /// Its answer made no sense: it is not asked again for a moment.
    void put_off(const std::string& host, About about);
    /// In the order in which they came.
    std::vector<Answer> take();
    /// One that did not answer may be asked again then, on the clock of boot_now(); nothing: none.
    std::optional<Milliseconds> next() const;

  private:
    struct Box;
    const std::shared_ptr<Box> box_;
};

}  // namespace belay::daemon
