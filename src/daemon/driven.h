#pragma once
// Applications of this host that are run by other means, and that Belay knows by their drivers
// (docs/drivers.md).

#include "framework/supervision/described.h"
#include "host/host.h"
#include "upgrade/driver/driver_program.h"
#include "upgrade/runner.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace belay::daemon {

/// Looks at each of them every few seconds, so that lines() need not wait. Threads: any.
class Driven final : public upgrade::Runner {
  public:
    /// The host outlives it. `images`: the folder of the installed images. `moved`: lines() may say something
    /// else now; called in a thread of this one's.
    Driven(host::Host& host, std::string images, std::function<void()> moved);
    ~Driven() override;
    Driven(const Driven&) = delete;
    Driven& operator=(const Driven&) = delete;

    void configured(const std::vector<framework::supervision::Driven>& all,
                    const framework::supervision::Images& images);
    bool has(const std::string& name) const;
    /// As Applications tells them, as each was last looked at.
    Json lines(const std::string& host) const;

    Result<upgrade::Standing> look(const std::string& member) override;
    /// They take as long as the driver does, in a thread; what came of it is told by look().
    Result<void> let_other_serve(const std::string& member) override;
    Result<void> take_over(const std::string& member) override;
    Result<void> restart(const std::string& member) override;

  private:
    struct Known {
        framework::supervision::Driven described;
        upgrade::driver::ProgramAsk ask;
        Result<upgrade::driver::Look> looked =
            std::unexpected(Error{.kind = ErrorKind::unavailable, .what = "it was not looked at yet"});
        Milliseconds since{0};  ///< wall clock: of its role
    };
    /// A verb on its way, or what came of it.
    struct Work {
        upgrade::driver::Verb verb = upgrade::driver::Verb::look;
        bool has_ended = false;
        std::optional<Error> problem = {};
        std::jthread thread = {};
    };

    Result<Known> find(const std::string& member) const;
    /// What is being done to one, or what came of the last of it.
    struct Doing {
        upgrade::driver::Verb verb = upgrade::driver::Verb::look;
        bool is_working = false;
        std::optional<Error> problem = {};
    };
    Doing doing(const std::string& member) const;
    upgrade::Standing standing_of(const Doing& doing, const upgrade::driver::Look& look) const;
    Result<void> begin(const std::string& member, upgrade::driver::Verb verb);
    void look_at_all();
    void watch(const std::stop_token& stop);

    host::Host& host_;
    const std::string images_;
    const std::function<void()> moved_;
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::map<std::string, Known> known_;
    std::map<std::string, std::shared_ptr<Work>> works_;
    bool is_due_ = false;
    std::jthread watcher_;
};

}  // namespace belay::daemon
