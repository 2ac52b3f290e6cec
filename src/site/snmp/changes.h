#pragma once
// What has changed between two answers of belayd, as notifications.

#include "site/snmp/picture.h"

#include <map>
#include <string>
#include <vector>

namespace belay::site::snmp {

struct Notification {
    unsigned long number = 0;              ///< below belayNotifications
    std::vector<Variable> variables = {};  ///< as BELAY-MIB has them, in its order
};

/// Remembers what was told last. What is there when it is told for the first time was there before, and is
/// not notified; an answer that did not come changes nothing, so what happens while belayd is away is
/// notified when it is back. Threads: one at a time.
class Changes {
  public:
    explicit Changes(Oid arc) : arc_(std::move(arc)) {}

    /// The applications of Status.
    std::vector<Notification> of_applications(const Json& applications);
    /// The alarms of AlarmList, without those that have ended.
    std::vector<Notification> of_alarms(const Json& alarms);

  private:
    struct Seen {
        bool is_up = false;
        double restarts = 0;
    };
    Notification of_application(unsigned long which, const Json& application) const;
    Notification of_alarm(unsigned long which, const Json& alarm) const;

    const Oid arc_;
    std::map<std::string, Seen> applications_;
    bool has_alarms_ = false;
    std::map<double, Json> alarms_;  ///< by their numbers
};

}  // namespace belay::site::snmp
