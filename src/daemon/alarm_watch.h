#pragma once
// The alarms of a site, at the daemon that leads it, or of this machine where it is alone: what happens goes
// to the detector, what that says goes to the book, and what is to be done is done. Without news, and without
// anything that is due, it never wakes up.

#include "daemon/services.h"
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

/// Where messages come from that are kept somewhere: numbered, and asked for from a number on.
class MessageSource {
  public:
    virtual ~MessageSource() = default;
    /// Those after a number, oldest first, at most `limit`. Errors: unavailable.
    virtual Result<std::vector<framework::messages::StoredMessage>> after(uint64_t number, size_t limit) = 0;
    /// The number of the first one at or after a wall clock; the newest one's + 1 where there is none.
    virtual Result<uint64_t> since(Milliseconds wall) = 0;
    /// Calls in any thread whenever there may be more.
    virtual void follow(std::function<void()> more) = 0;
};

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
        std::function<store::Store&()> store;           ///< of the site
        std::function<const site::Methods&()> methods;  ///< all that can be asked of this daemon
        std::function<std::string()> own_host;          ///< as it is called in the configuration
        framework::supervision::Unseal unseal;
        std::function<Milliseconds()> wall;
        std::function<void()> changed;  ///< the book has
        std::string program;            ///< belayd-react
        std::string holder;             ///< this daemon, as others of the site tell it from themselves
        bool is_on = true;              ///< else nobody has it lead, and it says so rather than "none"
        MessageSource* messages = nullptr;
        VariableReader* variables = nullptr;
    };
    explicit AlarmWatch(Options options);

    /// From now on the alarms of the site are this daemon's.
    void lead();
    void stop() { stopping_ = true; }
    /// Something may stand otherwise. Threads: any.
    void moved();
    /// The kernel has told of this host's storage: its health is looked at. Threads: any.
    void storage_moved();

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
    Result<void> hear_messages();
    void measure(Milliseconds now);
    void hear_variables(Milliseconds now);
    void read_variables();
    void feed_load(const std::string& host, const Json& load, Milliseconds now);
    void find_storage(Milliseconds now);
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
    std::atomic<bool> leads_ = false, stopping_ = false, storage_is_due_ = false;

    // Of look_and_take() alone.
    framework::alarms::Detector detector_;
    StandingEvents standings_;
    std::shared_ptr<const Configuration> configuration_;
    framework::configuration::Version version_ = -1;
    framework::alarms::Circumstances circumstances_;
    bool knows_the_open_ = false;
    uint64_t position_ = 0;
    Milliseconds measured_{0};  ///< when figures were looked at last
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
