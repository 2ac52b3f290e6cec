#include "upgrade/iosxe/device_conditions.h"

#include "base/json.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace belay::upgrade::iosxe {
namespace {

using operation::Finding;
using operation::Fingerprint;
using operation::Verdict;
using show::PackageState;

std::string device_of(const Json& arguments)
{
    return arguments.at("device").get<std::string>();
}

Finding wrong(std::string found, std::string wanted, std::string mend)
{
    return {.verdict = Verdict::fail,
            .found = std::move(found),
            .wanted = std::move(wanted),
            .mend = std::move(mend)};
}

/// A sentence for each member that is not as it should be, joined.
template <typename Says>
std::string of_each(const DeviceLook& look, Says says)
{
    std::vector<std::string> words;
    for (const DeviceMember& member : look.members)
        if (const std::string word = says(member); !word.empty())
            words.push_back(fmt::format("{} {}", look.name_of(member), word));
    return fmt::format("{}", fmt::join(words, ", "));
}

constexpr const char* two_members = "two members, and both seen";

/// Where one is missing, nothing is asked of the other.
std::optional<Finding> not_two(const DeviceLook& look)
{
    if (look.members.size() == 2) return std::nullopt;
    return wrong(fmt::format("{} of two members: {}", look.members.size(), look.to_text()), two_members,
                 "show redundancy; show switch: on the device, and its console");
}

Finding install_mode(const DeviceLook& look)
{
    if (auto missing = not_two(look)) return *missing;
    const std::string found = of_each(look, [](const DeviceMember& member) {
        if (member.mode == "INSTALL") return std::string();
        return member.mode.empty() ? std::string("does not say its mode")
                                   : fmt::format("boots in {} mode", member.mode);
    });
    const bool is_by_packages = look.system_image.find("packages.conf") != std::string::npos;
    if (found.empty() && is_by_packages) return {.found = fmt::format("both boot by {}", look.system_image)};
    return wrong(found.empty() ? fmt::format("the device runs {}", look.system_image) : found,
                 "install mode, flash:packages.conf, on both",
                 "boot system flash:packages.conf, and install add file ... activate commit: a reload");
}

/// What `show switch` and `show stackwise-virtual` have against it, of two chassis; empty: nothing.
std::string wrong_with_stack(const DeviceLook& look)
{
    if (look.stackwise_virtual && !look.stackwise_virtual->enabled)
        return "they are no StackWise Virtual, and nothing else of two chassis is upgraded in service";
    if (!look.switches) return {};
    for (const show::SwitchMember& member : look.switches->members)
        if (member.state != "Ready")
            return fmt::format("switch {} is in the state {}", member.number, member.state);
    return {};
}

Finding redundant(const DeviceLook& look)
{
    if (!look.is_redundant())
        return wrong(
            fmt::format("{}, mode {}, communications {}", look.to_text(),
                        look.redundancy.operating_mode.empty() ? "unknown" : look.redundancy.operating_mode,
                        look.redundancy.communications.empty() ? "unknown" : look.redundancy.communications),
            "one ACTIVE, one STANDBY HOT, by SSO, communications up",
            "wait for \"Terminal state reached for (SSO)\"; redundancy, mode sso; show redundancy states");
    if (const std::string problem = wrong_with_stack(look); !problem.empty())
        return wrong(problem, "two chassis of one StackWise Virtual, both Ready",
                     "show switch; show stackwise-virtual link");
    return {.found = look.to_text()};
}

Finding starts_by_itself(const DeviceLook& look)
{
    if (auto missing = not_two(look)) return *missing;
    const std::string found = of_each(look, [](const DeviceMember& member) {
        if (!member.starts_by_itself) return std::string("does not say whether it does");
        return *member.starts_by_itself ? std::string() : std::string("has Manual Boot = yes");
    });
    if (found.empty()) return {.found = "both start by themselves"};
    return wrong(found, "Manual Boot = no on both", "configure terminal; no boot manual; end; write memory");
}

Finding quiet(const DeviceLook& look)
{
    if (auto missing = not_two(look)) return *missing;
    const char* const wanted = "no ISSU operation, nothing but committed packages, no abort timer";
    if (look.issu.in_progress)
        return wrong(fmt::format("ISSU {} state", look.issu.current_state), wanted,
                     look.is_upgrading() ? "install commit, or install abort issu"
                                         : "install remove inactive; service internal; clear install state, "
                                           "until it has passed on both members");
    const std::string found = of_each(look, [](const DeviceMember& member) {
        for (const show::InstalledPackage& package : member.packages)
            if (package.state != PackageState::committed)
                return fmt::format("has {} {}", name_of(package.state), package.version);
        return std::string(member.packages.empty() ? "has nothing installed" : "");
    });
    if (!found.empty())
        return wrong(found, wanted, "install commit of what is uncommitted; install remove inactive");
    if (look.timer.active) return wrong("the abort timer runs", wanted, "install auto-abort-timer stop");
    return {.found = "no ISSU operation, and all is committed"};
}

Finding room(const DeviceLook& look, Bytes wanted)
{
    if (auto missing = not_two(look)) return *missing;
    const std::string small = of_each(look, [&](const DeviceMember& member) {
        if (!member.free) return std::string("does not say how much is free");
        return *member.free >= wanted ? std::string() : fmt::format("has {} free", to_text(*member.free));
    });
    if (!small.empty())
        return wrong(small, fmt::format("{} free in the flash of both", to_text(wanted)),
                     "install remove inactive; delete what is not needed in flash: and stby-flash:");
    return {.found = of_each(look, [](const DeviceMember& member) {
                return fmt::format("has {} free", to_text(*member.free));
            })};
}

/// By figures, then by letters.
bool is_older(std::string_view one, std::string_view other)
{
    while (!one.empty() && !other.empty()) {
        uint64_t a = 0, b = 0;
        one.remove_prefix(
            static_cast<size_t>(std::from_chars(one.data(), one.data() + one.size(), a).ptr - one.data()));
        other.remove_prefix(static_cast<size_t>(
            std::from_chars(other.data(), other.data() + other.size(), b).ptr - other.data()));
        if (a != b) return a < b;
        if (one.empty() || other.empty() || one.front() != '.' || other.front() != '.') break;
        one.remove_prefix(1);
        other.remove_prefix(1);
    }
    return one < other;
}

Finding may_follow(const DeviceLook& look, const std::string& release)
{
    if (auto missing = not_two(look)) return *missing;
    const std::string runs = look.members.front().release;
    if (runs.empty() || !look.both_run(runs))
        return wrong(look.to_text(), "one release on both members",
                     "bring both to one release first: install abort issu, or a reload of the one behind");
    if (runs == release)
        return wrong(fmt::format("both run {} already", runs), "another release", "nothing is to be done");
    if (is_older(release, runs))
        return {
            .verdict = Verdict::warn,
            .found = fmt::format("{} is older than {}, which runs: in service that works only where Cisco's "
                                 "matrix of releases has it",
                                 release, runs)};
    return {.found = fmt::format(
                "{} runs, and {} is to follow; whether Cisco supports that in service, its matrix "
                "of releases says",
                runs, release)};
}

Finding runs(const DeviceLook& look, const std::string& release)
{
    const std::string wanted = fmt::format("both on {}, one ACTIVE, one STANDBY HOT", release);
    if (look.both_run(release) && look.is_redundant()) return {.found = look.to_text()};
    Finding finding = wrong(look.to_text(), wanted, "show redundancy; show issu state detail");
    const bool went_back = !look.issu.in_progress && look.members.size() == 2 &&
                           std::ranges::none_of(look.members, [&](const DeviceMember& member) {
                               return member.release == release || member.release.empty();
                           });
    const bool goes_back = look.issu.in_progress && look.issu.current_state.find("bort") != std::string::npos;
    finding.is_final = went_back || goes_back;
    if (finding.is_final) finding.found = "the device has gone back by itself: " + finding.found;
    return finding;
}

/// A condition that asks one look.
template <typename Judge>
operation::Condition looking(Console& console, Judge judge)
{
    return [&console, judge](host::Host&, const Json& arguments) -> Result<Finding> {
        const DeviceLook look = TRY(console.recent_look(device_of(arguments)));
        return judge(look, arguments);
    };
}

}  // namespace

Fingerprint fingerprint_of(const DeviceLook& look)
{
    Fingerprint lines;
    for (const DeviceMember& member : look.members) {
        const std::string name = look.name_of(member);
        lines[name + " release"] = member.release;
        lines[name + " mode"] = member.mode;
        std::vector<std::string> packages;
        for (const show::InstalledPackage& package : member.packages)
            packages.push_back(
                fmt::format("{} {} {}", package.type, name_of(package.state), package.version));
        std::ranges::sort(packages);
        lines[name + " packages"] = fmt::format("{}", fmt::join(packages, "; "));
    }
    lines["ISSU"] = look.issu.in_progress ? look.issu.current_state : "none";
    return lines;
}

void add_device_conditions(operation::Catalogue& catalogue, Console& console)
{
    // Here it is the error that says it: who cannot be asked is not reachable.
    catalogue.add_condition(
        "iosxe.reachable", [&console](host::Host&, const Json& arguments) -> Result<Finding> {
            const Result<DeviceLook> look = console.recent_look(device_of(arguments));
            if (look) return Finding{.found = fmt::format("{}: {}", look->model, look->to_text())};
            return wrong(look.error().what, "a line with privilege, on which all shows are understood",
                         look.error().next.empty() ? "ssh to it with the same user" : look.error().next);
        });
    catalogue.add_condition("iosxe.install-mode", looking(console, [](const DeviceLook& look, const Json&) {
                                return install_mode(look);
                            }));
    catalogue.add_condition("iosxe.redundant", looking(console, [](const DeviceLook& look, const Json&) {
                                return redundant(look);
                            }));
    catalogue.add_condition(
        "iosxe.starts-by-itself",
        looking(console, [](const DeviceLook& look, const Json&) { return starts_by_itself(look); }));
    catalogue.add_condition(
        "iosxe.quiet", looking(console, [](const DeviceLook& look, const Json&) { return quiet(look); }));
    catalogue.add_condition("iosxe.room", looking(console, [](const DeviceLook& look, const Json& arguments) {
                                return room(look, Bytes{arguments.at("bytes").get<uint64_t>()});
                            }));
    catalogue.add_condition("iosxe.may-follow",
                            looking(console, [](const DeviceLook& look, const Json& arguments) {
                                return may_follow(look, arguments.at("release").get<std::string>());
                            }));
    catalogue.add_condition("iosxe.runs", looking(console, [](const DeviceLook& look, const Json& arguments) {
                                return runs(look, arguments.at("release").get<std::string>());
                            }));
    catalogue.add_fingerprint("iosxe.device",
                              [&console](host::Host&, const Json& arguments) -> Result<Fingerprint> {
                                  const Result<DeviceLook> look = console.look(device_of(arguments));
                                  if (look) return fingerprint_of(*look);
                                  // Whatever it is, an abort waits until it can be asked again.
                                  return fail(ErrorKind::unavailable, look.error().what, look.error().next);
                              });
}

}  // namespace belay::upgrade::iosxe
