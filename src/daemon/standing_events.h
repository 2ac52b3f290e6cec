#pragma once
// What happens to hosts, applications and solutions, told as events: how they stand now, held against how
// they stood when it was looked last.

#include "framework/alarms/predefined.h"

namespace belay::daemon {

/// Threads: one at a time.
class StandingEvents {
  public:
    struct Look {
        Json applications = Json::array();  ///< as Applications tells them
        Json solutions = Json::array();     ///< as Solutions
        Json hosts = Json::array();         ///< as Status tells those of a place
        Json keeping = Json::object();      ///< by host: why it can keep no messages; null: it can
        std::shared_ptr<const framework::configuration::Configuration> configuration = {};
    };
    /// How long before its end a licence is told of.
    static constexpr Milliseconds licence_notice = std::chrono::days(14);
    /// What was asked for so shortly before is why something moved.
    static constexpr Milliseconds asked_before = std::chrono::minutes(5);

    /// What holds for so long is told again, or its alarm would end as one that nothing clears.
    static constexpr Milliseconds told_again_after = std::chrono::hours(24);

    /// What has changed since the last look; of the first one, all that is worth an event. `now`: wall clock.
    std::vector<framework::messages::Message> take(const Look& look, Milliseconds now);
    /// When there is something to tell though nothing changes: a host is away for too long, a licence ends.
    std::optional<Milliseconds> next() const { return next_; }

  private:
    using Message = framework::messages::Message;
    using EventId = framework::messages::EventId;

    void say(const std::string& what, bool holds, EventId begins, EventId ends, Message message);
    void due(Milliseconds at, Milliseconds now);
    void look_at_hosts(const Look& look, Milliseconds now);
    void look_at_applications(const Look& look, Milliseconds now);
    void look_at_licences(const Look& look, Milliseconds now);
    void look_at_solutions(const Look& look, Milliseconds now);
    bool is_unheard_for_long(const Json& member, const Look& look, Milliseconds now);
    void look_at_message_stores(const Look& look, Milliseconds now);

    struct Told {
        std::string text;  ///< empty: it is well
        Milliseconds at{0};
    };
    std::map<std::string, Told> told_;                   ///< by what
    std::map<std::string, std::string> phases_;          ///< of applications, as they were heard of last
    std::map<std::string, Milliseconds> unheard_since_;  ///< applications that are "unknown"
    std::map<std::string, Milliseconds> first_seen_;     ///< hosts that have never come
    std::vector<Message> messages_;
    Milliseconds now_{0};
    std::optional<Milliseconds> next_;
};

}  // namespace belay::daemon
