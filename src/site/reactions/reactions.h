#pragma once
// What is done about an alarm: a script of the configuration, carried out.

#include "framework/alarms/alarm.h"
#include "framework/supervision/described.h"
#include "host/host.h"

#include <functional>

namespace belay::site {

/// What a daemon can do with what it supervises. Threads: any. Errors: why it could not; `unavailable`,
/// `busy` and `timeout` are tried again.
class SiteControls {
  public:
    virtual ~SiteControls() = default;
    /// `verb`: "start", "stop" or "restart". A sentence of what was done.
    virtual Result<std::string> order(const std::string& application, const std::string& verb,
                                      const std::string& why) = 0;
    virtual Result<std::string> switch_over(const std::string& pair, const std::string& why) = 0;
    virtual Result<std::string> begin_operation(const std::string& procedure,
                                                const std::map<std::string, std::string>& arguments,
                                                const std::string& why) = 0;
    /// Runs an errand of the kind command on that host of the site.
    virtual Result<std::string> run_on(const std::string& host, const Json& errand, Milliseconds limit) = 0;
    /// What this host is called in the configuration.
    virtual std::string own_host() = 0;
};

/// Carries out one reaction. Threads: any.
class Reactor {
  public:
    virtual ~Reactor() = default;
    /// One sentence of what was done. Errors: why not; is_worth_another() says whether it is tried again.
    virtual Result<std::string> perform(const framework::alarms::Alarm& alarm,
                                        const framework::alarms::Deed& deed) = 0;
};

/// Whether what failed so may go well a while later.
bool is_worth_another(ErrorKind kind);

/// By belayd-react and a daemon's controls. No error and no sentence holds a part of a secret.
class Reactions final : public Reactor {
  public:
    struct Options {
        host::Host& host;
        SiteControls& controls;
        std::string program;  ///< belayd-react
        std::function<std::shared_ptr<const framework::configuration::Configuration>()> configuration;
        framework::supervision::Unseal unseal;
        std::function<Milliseconds()> wall;
    };
    explicit Reactions(Options options) : options_(std::move(options)) {}

    Result<std::string> perform(const framework::alarms::Alarm& alarm,
                                const framework::alarms::Deed& deed) override;
    /// What perform() would do, for a person; it does nothing, and opens no secret.
    std::string outlook(const framework::alarms::Alarm& alarm, const framework::alarms::Deed& deed) const;

  private:
    using Object = framework::configuration::Object;
    using Configuration = framework::configuration::Configuration;

    Result<std::string> opened(const Object& object, const char* attribute) const;
    Result<std::string> command(const Configuration& configuration, const Object& script,
                                const framework::alarms::Alarm& alarm) const;
    Result<std::string> mail(const Configuration& configuration, const Object& script,
                             const framework::alarms::Alarm& alarm,
                             const framework::alarms::Deed& deed) const;
    Result<std::string> webhook(const Object& script, const framework::alarms::Alarm& alarm,
                                const framework::alarms::Deed& deed) const;
    Result<std::string> by_controls(const Configuration& configuration, const Object& script,
                                    const framework::alarms::Alarm& alarm) const;

    const Options options_;
};

/// Runs belayd-react with this errand. What it, or the command, said last. Errors: unavailable (not now),
/// refused (never), failed (a command that ended with something else than 0), timeout, those of Host::run.
Result<std::string> run_errand(host::Host& host, const std::string& program, const Json& errand,
                               Milliseconds limit);

}  // namespace belay::site
