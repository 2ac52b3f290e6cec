#pragma once
// Applications on the hosts of a lab's site, and how a test looks at them: through `belay`, through /proc,
// and from outside.

#include "base/json.h"
#include "examples/contact-centre/trace.h"
#include "site.h"

#include <doctest/doctest.h>
#include <functional>
#include <map>

namespace belay::testing {

template <typename T>
T need(Result<T> result)
{
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what + result.error().output));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

using stand_in::Happened;

/// A process that was found in /proc.
struct Seen {
    pid_t parent = 0;
    std::string name;  ///< 15 letters at most
};

/// Threads: one.
class Stack {
  public:
    /// Hosts of these names, the first their controller, configured by this site. In it "belay-stand-in" is
    /// found by its name.
    Stack(std::vector<std::string> names, const std::string& site, lab::SiteOptions options = {});

    lab::Site& site() { return *site_; }

    /// What `belay app list` says on a host, by name; on the first one of all hosts.
    std::map<std::string, Json> applications(size_t host);
    /// Waits until one is as wanted. A failed test where it is not within two minutes.
    Json await(size_t host, const std::string& name, const std::function<bool(const Json&)>& come);
    Json await_phase(size_t host, const std::string& name, std::string_view phase);
    /// Waits until this holds; false after two minutes.
    static bool await_that(const std::function<bool()>& holds);

    std::vector<Happened> happened(size_t host);
    /// By SIGKILL, or another signal.
    void kill(size_t host, pid_t pid, const std::string& signal = "KILL");

    std::map<pid_t, Seen> processes(size_t host);
    /// Every application of a host that has a process is in the hands of one supervisor, and there is none
    /// besides: what is not so, in words. Empty: all is so.
    std::string unwatched(size_t host);
    /// Waits until unwatched() has nothing to say.
    void check_hands(size_t host);
    /// The supervisor of a host.
    pid_t supervisor(size_t host);

    /// How long until what listens there has answered a caller outside of the hosts; nothing: not within ten
    /// seconds.
    std::optional<Milliseconds> answers_within(size_t host, uint16_t port);

  private:
    lab::Folder folder_;
    std::shared_ptr<lab::Network> network_;
    std::optional<lab::Site> site_;
};

}  // namespace belay::testing
