#include "base/json.h"
#include "base/testing/must.h"
#include "host/simulated.h"
#include "upgrade/member_actions.h"

#include <doctest/doctest.h>

namespace belay::upgrade {
namespace {

using operation::Finding;
using operation::Verdict;

constexpr const char* own_group = "0::/system.slice/belayd.service\n";

/// A machine that systemd has started, which says this of the unit belayd.service.
std::unique_ptr<host::SimulatedHost> systemd_machine(const std::string& groups, const std::string& state)
{
    host::Machine machine;
    machine.put_folder("/run/systemd/system");
    machine.put_file("/proc/self/cgroup", groups);
    auto host = std::make_unique<host::SimulatedHost>(machine);
    host->install("systemctl",
                  [state](host::Machine&, const host::Command& command) -> Result<host::Outcome> {
                      const std::vector<std::string> asked = {"systemctl", "is-enabled", "belayd.service"};
                      if (command.argv != asked)
                          return fail(ErrorKind::failed, "something else was asked for");
                      return host::Outcome{.exit_code = state == "enabled" || state == "static" ? 0 : 1,
                                           .out = state.empty() ? "" : state + "\n",
                                           .err = state.empty() ? "Failed to get unit file state" : ""};
                  });
    return host;
}

/// One member, which is as a test says.
class OneMember final : public Runner {
  public:
    Standing standing = {.is_ready = true};

    Result<Standing> look(const std::string&) override { return standing; }
    Result<void> let_other_serve(const std::string&) override { return nobody_asks(); }
    Result<void> take_over(const std::string&) override { return nobody_asks(); }
    Result<void> restart(const std::string&) override { return nobody_asks(); }

  private:
    static Result<void> nobody_asks() { return fail(ErrorKind::refused, "a check changes nothing"); }
};

TEST_CASE("what belayd starts is started after a power cut where the unit of belayd is enabled")
{
    for (const char* state : {"enabled", "static"}) {
        const auto host = systemd_machine(own_group, state);
        const Finding finding = must(starts_with_host(*host, StartedBy::systemd));
        CHECK(finding.verdict == Verdict::pass);
        CHECK(finding.found == fmt::format("it is started with its host: belayd is {}", state));
    }
    // Nothing of these is left after a boot.
    for (const char* state : {"disabled", "enabled-runtime", "transient", "masked"}) {
        const auto host = systemd_machine(own_group, state);
        const Finding finding = must(starts_with_host(*host, StartedBy::systemd));
        CHECK(finding.verdict == Verdict::fail);
        CHECK(finding.found == fmt::format("after a power cut it would not be started: belayd is {}", state));
        CHECK(finding.mend == "systemctl enable belayd");
    }
    const auto unknown = systemd_machine(own_group, "");
    CHECK(must(starts_with_host(*unknown, StartedBy::systemd)).verdict == Verdict::fail);
}

TEST_CASE("the unit of belayd is found in the groups of its process, however they are laid out")
{
    for (const char* groups : {"0::/system.slice/belayd.service/own\n",
                               "12:cpu,cpuacct:/other.service\n1:name=systemd:/system.slice/belayd.service\n",
                               "1:name=systemd:/system.slice/belayd.service\n0::/\n"}) {
        const auto host = systemd_machine(groups, "disabled");
        CHECK(must(starts_with_host(*host, StartedBy::systemd)).verdict == Verdict::fail);
    }
}

TEST_CASE("where nobody can tell what starts belayd that is said, and is no reason to refuse")
{
    host::SimulatedHost none;
    const Finding without = must(starts_with_host(none, StartedBy::somebody));
    CHECK(without.verdict == Verdict::pass);
    CHECK(without.found == "belayd starts it; there is no systemd that would tell what starts belayd");

    // Its groups are those of whoever typed it.
    const auto by_hand = systemd_machine("0::/system.slice/cron.service\n", "disabled");
    const Finding started = must(starts_with_host(*by_hand, StartedBy::somebody));
    CHECK(started.verdict == Verdict::pass);
    CHECK(started.found == "belayd starts it, which no unit of systemd has started");

    const auto in_session = systemd_machine("0::/user.slice/user-0.slice/session-3.scope\n", "");
    CHECK(must(starts_with_host(*in_session, StartedBy::systemd)).found == started.found);
}

TEST_CASE("a member that something else runs is started without belayd")
{
    OneMember runner;
    operation::Catalogue catalogue;
    fill(catalogue, runner, StartedBy::systemd);
    const auto host = systemd_machine(own_group, "disabled");
    const auto ask = [&] {
        return must(catalogue.ask(*host, {"member.starts-by-itself", {{"member", "server-1"}}}));
    };
    CHECK(ask().verdict == Verdict::fail);
    runner.standing.driver = {"belay-driver", "keepalived"};
    CHECK(ask().verdict == Verdict::pass);
    runner.standing.starts_by_itself = false;
    CHECK(ask().mend.starts_with("systemctl enable of its unit"));
    runner.standing.driver = {};
    CHECK(ask().mend == "belay app start 'server-1'");
}

}  // namespace
}  // namespace belay::upgrade
