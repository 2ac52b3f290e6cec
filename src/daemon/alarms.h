#pragma once
// The alarms that were raised, in the store: numbered, the newest thousand kept.
//
//     alarm/000000000007      {number, at_ms, event, severity, device, member, text}
//     watched/state           how the watched stood when the last alarm was found
//     watched/delivered       the number of the last alarm that everybody was told of
//
// State and alarms are written in one transaction, so that after a crash nothing is found twice and nothing
// is left out. Who is told of an alarm (the log, a program) may be told again after a crash.

#include "base/json.h"
#include "procedures/procedures.h"
#include "store/store.h"

namespace belay::daemon {

/// An alarm as it is kept and shown.
struct RaisedAlarm {
    uint64_t number = 0;
    Milliseconds at{0};  ///< wall clock
    procedures::Alarm alarm;
};
void to_json(Json& json, const RaisedAlarm& raised);

/// Threads: any. The store outlives it. Errors of all: those of the store, corrupt.
class Alarms {
  public:
    static constexpr size_t most_kept = 1000;

    explicit Alarms(store::Store& store) : store_(store) {}

    /// Compares the watched with how they stood at the last call, also that of an earlier daemon, and raises
    /// an alarm for all that happened. How many.
    Result<size_t> take(const procedures::Watched& watched, const Json& now, Milliseconds wall);
    /// Raises this one, of nothing that happened.
    Result<void> raise(const procedures::Alarm& alarm, Milliseconds wall);

    /// The newest so many, newest last.
    Result<std::vector<RaisedAlarm>> newest(size_t limit) const;
    /// How the watched stood at the last take(); null before the first.
    Result<Json> state() const;

    /// Those of which nobody was told yet.
    Result<std::vector<RaisedAlarm>> undelivered() const;
    Result<void> delivered(uint64_t number);

  private:
    Result<bool> try_to_add(const std::vector<procedures::Alarm>& alarms, Milliseconds wall,
                            const std::optional<std::pair<store::Compare, std::string>>& state);
    Result<std::vector<RaisedAlarm>> all_after(uint64_t number) const;

    store::Store& store_;
};

}  // namespace belay::daemon
