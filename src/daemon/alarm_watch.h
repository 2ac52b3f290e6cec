#pragma once
// The alarms of a site, at the daemon that leads it, or of this machine where it is alone: what happens goes
// to the detector, what that says goes to the book, and what is to be done is done. Without news, and without
// anything that is due, it never wakes up.

#include "daemon/host_events.h"
#include "daemon/services.h"
#include "daemon/site_events.h"
#include "daemon/standing_events.h"
#include "daemon/variable_reader.h"
#include "framework/alarms/book.h"
#include "framework/configuration/register.h"
#include "site/log.h"
#include "site/reactions/delivery.h"
#include "site/workers.h"

#include <atomic>
#include <deque>
#include <mutex>

namespace belay::daemon {

/// What streams of AlarmList follow.
inline constexpr const char* alarm_book_topic = "alarm-book";

/// Threads: that of the loop, but for what is said otherwise. What it is given outlives it, and it is
/// destroyed when the workers are idle only.
class AlarmWatch final : public site::SiteControls {
  public:
    struct Options {
        site::Loop& loop;
        site::Workers& workers;
        host::Host& host;
        framework::configuration::Register& configuration;
        site::Log& log;
        std::function<store::Store&()> store;                    ///< of the site
        std::function<const site::Methods&()> methods;           ///< all that can be asked of this daemon
        std::function<std::string()> own_host;                   ///< as it is called in the configuration
        std::function<Place*()> place = [] { return nullptr; };  ///< null: this machine is alone
        HostEvents& events;                                      ///< of this host
        framework::supervision::Unseal unseal;
        std::function<Milliseconds()> wall;
        std::function<void()> changed;  ///< the book has
        std::string program;            ///< belayd-react
        std::string holder;             ///< this daemon, as others of the site tell it from themselves
        bool is_on = true;              ///< else nobody has it lead, and it says so rather than "none"
        VariableReader* variables = nullptr;
    };
    explicit AlarmWatch(Options options);

    /// From now on the alarms of the site are this daemon's.
    void lead();
    void stop() { stopping_ = true; }
    /// Something may stand otherwise. Threads: any.
    void moved();

    /// AlarmList, AlarmShow, AlarmAcknowledge, AlarmMute, AlarmTry (docs/protocol.md). Threads of what they
    /// do: any.
    std::vector<site::Method> methods();

    Result<std::string> order(const std::string& application, const std::string& verb,
                              const std::string& why) override;
    Result<std::string> switch_over(const std::string& pair, const std::string& why) override;
    Result<std::string> begin_operation(const std::string& procedure,
                                        const std::map<std::string, std::string>& arguments,
                                        const std::string& why) override;
    Result<std::string> run_on(const std::string& host, const Json& errand, Milliseconds limit) override;
    std::string own_host() override { return options_.own_host(); }

  private:
    using Configuration = framework::configuration::Configuration;

    Result<Json> ask(const std::string& method, const Json& parameters) const;
    Json ask_list(const char* method, const char* list) const;
    void look_soon(Milliseconds from_now);
    void look();
    void begin_deeds(const std::vector<site::Delivery::Work>& works);
    /// In a worker's thread, one at a time.
    Result<std::vector<site::Delivery::Work>> look_and_take();
    Result<void> take_configuration();
    Result<void> know_the_open();
    void hear_standings(Milliseconds now);
    Json question_for(const std::string& host) const;
    Result<void> hear_hosts(Milliseconds now);
    Result<void> know_host(const std::string& host, Milliseconds now);
    void hear_answers();
    /// An answer of HostEvents.
    struct Told {
        std::vector<framework::messages::StoredMessage> messages;
        std::optional<uint64_t> next = {};  ///< nothing: it could not look
        Json problem, storage;
    };
    Result<Told> read_told(const std::string& host, const Json& answer) const;
    Result<bool> hear(const std::string& host, const Told& told);
    bool recall(const std::string& host, const Told& told);
    Result<size_t> tell_book(const std::optional<framework::alarms::HeardUntil>& until);
    void look_at_storage(Milliseconds now);
    void find_storage(const std::string& host, const Json& report, Milliseconds now);
    void measure(Milliseconds now);
    void hear_variables(Milliseconds now);
    void read_variables();
    void feed_load(const std::string& host, const Json& load, Milliseconds now);
    Result<Milliseconds> when_next(Milliseconds now);
    Milliseconds now() const;

    /// A variable that is to be read, and then what came of it.
    struct Reading {
        std::string condition;
        framework::alarms::Variable variable;
        framework::configuration::Object account;
        Result<int64_t> value = 0;
    };

    Result<site::Reply> list(const site::Call& call);
    Result<site::Reply> show(const site::Call& call);
    Result<site::Reply> acknowledge(const site::Call& call);
    Result<site::Reply> mute(const site::Call& call);
    Result<site::Reply> try_out(const site::Call& call);
    Result<framework::alarms::Circumstances> circumstances() const;
    std::shared_ptr<const Configuration> configuration_now() const;

    const Options options_;
    std::optional<framework::alarms::AlarmBook> book_;
    std::optional<site::Reactions> reactions_;
    std::optional<site::Delivery> delivery_;
    std::atomic<bool> leads_ = false, stopping_ = false;
    SiteEvents site_events_;

    // Of look_and_take() alone.
    framework::alarms::Detector detector_;
    StandingEvents standings_;
    std::shared_ptr<const Configuration> configuration_;
    framework::configuration::Version version_ = -1;
    framework::alarms::Circumstances circumstances_;
    bool knows_the_open_ = false;
    /// What was heard of a host.
    struct Heard {
        framework::alarms::HeardUntil until;
        /// What was taken before this daemon led still counts in windows: it is to be looked at again, from
        /// then on, and was so far.
        std::optional<Milliseconds> recall_since = {};
        uint64_t recalled = 0;
        std::optional<Milliseconds> new_since = {};  ///< of one that was never heard
        bool is_known = false;                       ///< it has told something
        bool has_looked = false;                     ///< at its messages, when it told something last
        Json problem = {}, storage = {};             ///< as it told them last
        std::optional<Milliseconds> storage_is_due = {};
    };
    std::map<std::string, Heard> heard_;
    std::vector<framework::alarms::Verdict> untold_;    ///< that the book has not taken yet, in their order
    std::deque<std::pair<std::string, Told>> answers_;  ///< that the book has not taken yet
    std::vector<std::string> hosts_;                    ///< that are attached
    Milliseconds measured_{0};                          ///< when figures were looked at last
    size_t moved_since_expiry_ = 0;
    Milliseconds wall_at_start_{0}, boot_at_start_{0};

    std::map<std::string, std::string> unread_;  ///< why a variable is not read, by condition

    // Of the loop's thread.
    bool looking_ = false, again_ = false;
    std::deque<Reading> to_read_;
    size_t readings_ = 0;  ///< that are under way
    std::optional<site::Loop::TimerId> timer_;
    Milliseconds timer_at_{0};
    std::mutex read_mutex_;
    std::vector<Reading> read_;                         ///< and not heard yet
    std::atomic<Milliseconds> next_ = Milliseconds{0};  ///< span until the next look; negative: never
};

/// AlarmList, AlarmShow, AlarmAcknowledge, AlarmMute, AlarmTry, and HostCommand (docs/protocol.md).
std::vector<site::Method> alarm_book_methods(const Services& services);

}  // namespace belay::daemon
