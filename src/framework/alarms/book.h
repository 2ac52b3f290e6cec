#pragma once
// The alarms of a site, in its store. Several daemons may work on one book (two controllers in the moment in
// which one takes over from the other): every change is one transaction that compares what it was made from,
// so an alarm is there once, whoever raises it.
//
//     alarms/open/000000000012     an alarm that has not ended, as alarm.h has it
//     alarms/past/000000000011     one that has
//     alarms/key/SHA256            the number of the last alarm of this key, open or not
//     alarms/outbox/000000000012   there while a reaction to it is still to be done
//     alarms/mute/NAME             {"until_ms", "by", "note", "at_ms"}
//     alarms/last                  the last number
//     alarms/position/HOST         {"number", "base"}: how far the messages of that host were taken
//
// An alarm, its place in the outbox and the position of the messages it was made from are written in one
// transaction: a crash before it changes nothing, and one after it leaves the reactions to whoever comes
// next.

#include "framework/alarms/alarm.h"
#include "framework/alarms/detector.h"
#include "store/store.h"

namespace belay::framework::alarms {

struct Mute {
    std::string condition;
    Milliseconds until{0};  ///< wall clock
    std::string by = {}, note = {};
    Milliseconds at{0};
};

/// How far the messages of a host were taken.
struct HeardUntil {
    std::string host;
    uint64_t number = 0;  ///< of the last message, in the store of its host
    /// Added to the numbers of messages for verdicts: those of a host whose store began anew go on.
    uint64_t base = 0;
};

/// What is to be done about alarms, and what keeps it from being done, as the configuration says now.
struct Circumstances {
    std::map<std::string, Condition> conditions = {};  ///< by name
    std::map<configuration::Id, Deed> scripts = {};    ///< as they are to be done, by script
    std::set<std::string> in_maintenance = {};         ///< hosts

    static Circumstances of(const configuration::Configuration& configuration);
};

/// Threads: any. The store outlives it. Errors of all: those of the store; corrupt; busy, where others change
/// the same all the time.
class AlarmBook {
  public:
    static constexpr uint64_t most_kept = 10'000;  ///< that have ended
    static constexpr Milliseconds longest_kept = std::chrono::days(400);
    static constexpr size_t most_open = 5000;  ///< further ones are not raised until some have ended
    static constexpr size_t most_note = 1000;  ///< bytes

    explicit AlarmBook(store::Store& store) : store_(store) {}

    /// Writes verdicts, in their order, and with the last of them how far the messages of the host were taken
    /// that they come from (nothing: from none). Doing it again with the same verdicts changes nothing. How
    /// many alarms were raised or cleared by it.
    Result<size_t> take(const std::vector<Verdict>& verdicts, const std::optional<HeardUntil>& until,
                        const Circumstances& circumstances, Milliseconds wall);
    /// Nothing: none of its messages were ever taken.
    Result<std::optional<HeardUntil>> heard_until(const std::string& host) const;

    /// Does what was kept back, of alarms that still are and are not silenced any more. How many.
    Result<size_t> attend(const Circumstances& circumstances, Milliseconds wall);

    /// All that have not ended, by number.
    Result<std::vector<Alarm>> open() const;
    /// The newest so many, ended ones as well, oldest first.
    Result<std::vector<Alarm>> newest(size_t limit) const;
    /// Errors: not_found.
    Result<Alarm> show(uint64_t number) const;

    /// Somebody has seen it. Again is no error: the first one stays. Errors: not_found, refused (it has
    /// ended), usage (a note that is too long).
    Result<Alarm> acknowledge(uint64_t number, const std::string& by, const std::string& note,
                              Milliseconds wall);
    /// Nothing is done about alarms of that condition until then; `until` not after `wall`: from now on it
    /// is again. Errors: usage.
    Result<void> mute(const Mute& mute);
    Result<std::vector<Mute>> mutes(Milliseconds wall) const;

    /// The numbers of those with reactions to be done.
    Result<std::vector<uint64_t>> outbox() const;
    /// Changes one: `change` says whether anything is to be written. Its place in the outbox goes with its
    /// last open deed. What was written, or found. Errors: not_found, those of `change`.
    Result<Alarm> change(uint64_t number, const std::function<Result<bool>(Alarm&)>& change);

    /// Lets go of those that ended long ago. How many.
    Result<size_t> expire(Milliseconds wall);

  private:
    class Draft;
    Result<std::optional<store::Entry>> find(uint64_t number) const;
    Result<std::vector<Alarm>> all_under(std::string_view prefix) const;

    store::Store& store_;
};

}  // namespace belay::framework::alarms
