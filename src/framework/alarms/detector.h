#pragma once
// Holds what is said and measured against the conditions, and says which alarms begin and end. It has no
// clock, no thread and no store: whoever has these tells it, and asks what it makes of it.
//
// What it keeps is bounded, whatever comes: a window of an event that has to come n times has 64 entries, a
// condition is about 1,000 hosts and applications at most (further ones count as one, without a name), and of
// an alarm that is raised again and again only the count and the last text are kept, told once a second.
//
// Times are milliseconds of a clock that looks like the wall clock and never goes back: the wall clock at the
// start and what has passed since.

#include "framework/alarms/condition.h"

#include <deque>
#include <functional>

namespace belay::framework::alarms {

/// What became of an alarm since the last verdict about it.
struct Verdict {
    enum class What { raised, again, cleared } what = What::raised;
    Key key = {};
    Severity severity = Severity::minor;
    uint64_t count = 0;              ///< how often since; of cleared: 0
    Milliseconds first{0}, last{0};  ///< of those
    uint64_t number = 0;             ///< of the last message; 0: it was none that is stored
    std::string text = {};           ///< of the last one, 4 KiB at most; of cleared: why
};

/// One finding of storage health, as far as alarms go.
struct Finding {
    std::string code, object, text;
    bool is_critical = false;
};

/// Threads: one at a time.
class Detector {
  public:
    static constexpr size_t most_subjects = 1000;  ///< of one condition
    static constexpr size_t most_text = 4 << 10;   ///< bytes of a text
    static constexpr Milliseconds between_counts{1000};

    /// The conditions from now on. What is known of those that stay as they are stays.
    void configured(std::vector<Condition> conditions, Milliseconds now);
    const std::vector<Condition>& conditions() const { return conditions_; }

    /// This one is raised already: the book has it from before.
    void know(const Key& key, Milliseconds last, uint64_t number, Milliseconds now);

    /// A message, in the order in which they came. `number` 0: it is not stored.
    void message(const messages::Message& message, uint64_t number, Milliseconds now);
    /// One that was taken before the daemon began anew: it counts in windows, and for what is missing, and
    /// raises nothing.
    void recall(const messages::Message& message, Milliseconds at);
    /// Percent. `object`: the filesystem of a disk, else empty.
    void figure(const std::string& host, std::string_view figure, const std::string& object, double percent,
                Milliseconds now);
    /// All that is wrong with the storage of a host now.
    void findings(const std::string& host, const std::vector<Finding>& all, Milliseconds now);
    /// Of the condition of that name.
    void variable(const std::string& condition, int64_t value, Milliseconds now);

    /// What there is to say, each alarm's in its order. Time passes by it. `all`: counts as well that were
    /// told a moment ago, for one who writes down how far the messages were taken.
    std::vector<Verdict> take(Milliseconds now, bool all = false);
    /// When take() has something to say though nothing comes; nothing: never.
    std::optional<Milliseconds> next() const;

    /// How far back recall() is of use.
    Milliseconds longest_memory() const;
    /// How much is kept, for tests of its bounds: windows' entries and open alarms.
    size_t kept() const;

  private:
    struct Burst {
        Milliseconds at{0};
        uint32_t count = 0;
    };
    struct Open {
        Milliseconds first{0}, last{0}, told{0};
        uint64_t waiting = 0;  ///< how often since it was told
        uint64_t number = 0;
        std::string text = {};
        bool is_new = true;  ///< not told yet
        Severity severity = Severity::minor;
    };
    struct Closed {
        Open open;
        Milliseconds at{0};
        std::string why;
    };

    Key subject(const Condition& condition, const std::string& host, const std::string& application,
                const std::string& object);
    void raise(const Condition& condition, const Key& key, const std::string& text, uint64_t number,
               Milliseconds now);
    void hold(const Condition& condition, const Key& key, const std::string& text, Milliseconds now);
    void clear(const Key& key, std::string why, Milliseconds now);
    bool count_in(const EventCount& wanted, const Key& key, Milliseconds now);
    void threshold(const Condition& condition, const Threshold& threshold, const Key& key, double value,
                   const std::function<std::string(double)>& text, Milliseconds now);
    void see(size_t index, const messages::Message& message, Milliseconds now);
    std::vector<Key> awaited(const Condition& condition) const;
    void pass(Milliseconds now);
    const Condition* find(const std::string& name) const;
    static bool is_state(const Condition& condition);

    std::vector<Condition> conditions_;
    std::map<std::string, size_t> by_name_;
    std::map<messages::EventId, std::vector<size_t>> raised_by_, cleared_by_;
    std::map<Key, std::deque<Burst>> windows_;
    std::map<Key, Milliseconds> seen_;  ///< of what must not be missing, when it came last
    std::map<Key, Open> open_;
    std::map<Key, Closed> closed_;                   ///< not told yet
    std::map<std::string, std::set<Key>> subjects_;  ///< by condition: those that windows_ and open_ have
};

}  // namespace belay::framework::alarms
