#include "upgrade/starts_with_host.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace belay::upgrade {
namespace {

using operation::Finding;
using operation::Verdict;

/// It is there where systemd is what started the machine: sd_booted(3).
constexpr std::string_view folder_of_systemd = "/run/systemd/system";
constexpr std::string_view own_groups = "/proc/self/cgroup";
constexpr std::string_view suffix = ".service";
constexpr Milliseconds answers_within = std::chrono::seconds(5);

/// With which a unit is started at a boot, or another one starts it. "enabled-runtime" and "transient" are no
/// more after one.
constexpr std::array starting_states = {"enabled", "alias", "static", "generated"};

/// The name in "0::/system.slice/belayd.service", also where it has groups of its own below; empty: none.
std::string unit_in(std::string_view line)
{
    std::string unit;
    while (!line.empty()) {
        const size_t slash = std::min(line.find('/'), line.size());
        const std::string_view part = line.substr(0, slash);
        if (part.ends_with(suffix) && part.size() > suffix.size()) unit = part;
        line.remove_prefix(std::min(slash + 1, line.size()));
    }
    return unit;
}

/// Of systemd's own hierarchy of groups, where there are several (cgroups(7)); empty: no unit's.
Result<std::string> own_unit(host::Host& host)
{
    const std::string text = TRY(host.read(own_groups));
    std::string_view rest = text;
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!line.starts_with("0::") && !line.contains(":name=systemd:")) continue;
        if (std::string unit = unit_in(line); !unit.empty()) return unit;
    }
    return std::string();
}

}  // namespace

Result<std::string> boot_state_of(host::Host& host, const std::string& unit)
{
    // It ends well for some units that are not started, and not so for some that are: what it says counts.
    const host::Outcome outcome =
        TRY(host.run({.argv = {"systemctl", "is-enabled", unit}, .limit = answers_within}));
    return outcome.out.substr(0, outcome.out.find('\n'));
}

bool is_started_at_boot(std::string_view state)
{
    return std::ranges::find(starting_states, state) != starting_states.end();
}

Result<Finding> starts_with_host(host::Host& host, StartedBy started_by)
{
    const auto systemd = host.list(folder_of_systemd);
    if (!systemd && systemd.error().kind == ErrorKind::not_found)
        return Finding{.found = "belayd starts it; there is no systemd that would tell what starts belayd"};
    if (!systemd) return std::unexpected(systemd.error());
    std::string unit;
    if (started_by == StartedBy::systemd) unit = TRY(own_unit(host));
    if (unit.empty()) return Finding{.found = "belayd starts it, which no unit of systemd has started"};
    const std::string state = TRY(boot_state_of(host, unit));
    const std::string name = unit.substr(0, unit.size() - suffix.size());
    if (is_started_at_boot(state))
        return Finding{.found = fmt::format("it is started with its host: {} is {}", name, state)};
    return Finding{.verdict = Verdict::fail,
                   .found = fmt::format("after a power cut it would not be started: {} is {}", name,
                                        state.empty() ? "no unit that is known" : state),
                   .wanted = fmt::format("{} enabled, which starts it", name),
                   .mend = fmt::format("systemctl enable {}", name)};
}

}  // namespace belay::upgrade
